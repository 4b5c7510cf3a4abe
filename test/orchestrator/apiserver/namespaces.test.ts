import { expect } from 'chai';
import { removeObject } from '../../../src/orchestrator/apiserver/registry/delete-object.ts';
import { pods } from '../../../src/orchestrator/apiserver/resources/pods.ts';
import type { RunningLoop } from '../../../src/orchestrator/controllers/loop.ts';
import { startNamespaceController } from '../../../src/orchestrator/controllers/namespace-controller.ts';
import { namesOf, type OpenedApi, openApi, podNamed, podOf, statusOf } from '../support/open-api.ts';

const path = '/api/v1/namespaces';
const namespace = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, ...more },
});

describe('API: namespaces', () => {
  let api: OpenedApi;
  let controller: RunningLoop;
  beforeEach(async () => {
    api = await openApi();
    controller = startNamespaceController(api.context, line => api.log.push(line));
  });
  afterEach(async () => {
    await controller.close();
    await api.close();
    expect(api.log).to.deep.equal([]);
  });

  async function gone(name: string): Promise<void> {
    const query = `watch=true&timeoutSeconds=10&fieldSelector=metadata.name%3D${name}`;
    for await (const { type } of api.watch(`${path}?${query}`)) if (type === 'DELETED') return;
    throw new Error(`${name} is still there`);
  }

  it('of the system are there, and stay', async () => {
    expect(namesOf(await api.call('GET', path))).to.deep.equal([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    for (const name of ['default', 'kube-public', 'kube-system']) {
      expect(statusOf(await api.call('DELETE', `${path}/${name}`))).to.include({
        code: 403,
        reason: 'Forbidden',
        message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      });
    }
  });

  it('begin as Kubernetes makes them', async () => {
    const { metadata, ...rest } = podOf(
      await api.call('POST', path, { body: namespace('a', { labels: { x: 'y' } }) }),
    );
    expect(metadata.labels).to.deep.equal({ x: 'y', 'kubernetes.io/metadata.name': 'a' });
    expect(metadata).to.not.have.property('generation');
    expect(rest).to.deep.equal({
      apiVersion: 'v1',
      kind: 'Namespace',
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('have names without dots, and lie in none themselves', async () => {
    expect(statusOf(await api.call('POST', path, { body: namespace('a.b') })).message).to.equal(
      'Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
    );
    expect(
      statusOf(await api.call('POST', path, { body: namespace('a', { namespace: 'b' }) })).message,
    ).to.equal('Namespace "a" is invalid: metadata.namespace: Forbidden: not allowed on this type');
  });

  it('go when they are empty', async () => {
    await api.call('POST', path, { body: namespace('a') });
    const going = gone('a');
    const dying = podOf(await api.call('DELETE', `${path}/a`));
    expect(dying.status?.phase).to.equal('Terminating');
    expect(dying.metadata.deletionTimestamp).to.not.equal(undefined);
    await going;
    expect((await api.call('GET', `${path}/a`)).status).to.equal(404);
    expect((await api.call('POST', path, { body: namespace('a') })).status).to.equal(201);
  });

  it('take with them what they hold, and wait for what has to end', async () => {
    await api.call('POST', path, { body: namespace('a') });
    const inside = `${path}/a/pods`;
    await api.call('POST', inside, { body: podNamed('light') });
    const heavy = podOf(await api.call('POST', inside, { body: podNamed('heavy', { nodeName: 'n' }) }));
    const going = gone('a');
    const dying = (async () => {
      for await (const { type, object } of api.watch(`${inside}?watch=true`))
        if (type === 'MODIFIED' && object.metadata.deletionTimestamp !== undefined)
          return object.metadata.name;
      return undefined;
    })();
    await api.call('DELETE', `${path}/a`);
    expect(await dying).to.equal('heavy');
    expect(statusOf(await api.call('POST', inside, { body: podNamed('late') }))).to.include({
      code: 403,
      message:
        'pods "late" is forbidden: unable to create new content in namespace a because it is being terminated',
    });
    expect((await api.call('GET', `${path}/a`)).status).to.equal(200);
    await removeObject(api.context, pods, heavy);
    await going;
    expect(namesOf(await api.call('GET', inside))).to.deep.equal([]);
  });

  it('wait for their own finalizers', async () => {
    await api.call('POST', path, { body: namespace('a', { finalizers: ['example.com/a'] }) });
    await api.call('DELETE', `${path}/a`);
    const going = gone('a');
    const body = { metadata: { finalizers: null } };
    await api.call('PATCH', `${path}/a`, { body, type: 'application/merge-patch+json' });
    await going;
  });
});
