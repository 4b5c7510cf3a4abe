import { expect } from 'chai';
import type { Pod } from '../../../src/api/pod.ts';
import { removeObject } from '../../../src/orchestrator/apiserver/registry/delete-object.ts';
import { pods } from '../../../src/orchestrator/apiserver/resources/pods.ts';
import {
  namesOf,
  type OpenedApi,
  openApi,
  podNamed,
  podOf,
  podsPath,
  statusOf,
} from '../support/open-api.ts';

describe('API: deletion', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi();
  });
  afterEach(() => api.close());

  const merge = 'application/merge-patch+json';
  const create = async (name: string, more: object = {}, metadata: object = {}) =>
    podOf(await api.call('POST', podsPath, { body: podNamed(name, more, metadata) }));
  const remove = (name: string, body?: object) =>
    api.call('DELETE', `${podsPath}/${name}`, body === undefined ? {} : { body });
  const isThere = async (name: string) => (await api.call('GET', `${podsPath}/${name}`)).status === 200;

  it('of a pod that nobody looks after is done at once', async () => {
    const pod = await create('a');
    const { status, value } = await remove('a');
    expect(status).to.equal(200);
    expect((value as unknown as Pod).metadata.uid).to.equal(pod.metadata.uid);
    expect(await isThere('a')).to.equal(false);
    expect(statusOf(await remove('a'))).to.include({ code: 404, message: 'pods "a" not found' });
  });

  it('of a pod on a node waits for its node', async () => {
    await create('a', { nodeName: 'n', terminationGracePeriodSeconds: 20 });
    const dying = podOf(await remove('a', { propagationPolicy: 'Background' }));
    expect(dying.metadata).to.include({
      deletionTimestamp: '2026-01-01T00:00:20Z',
      deletionGracePeriodSeconds: 20,
      generation: 2,
    });
    expect(await isThere('a')).to.equal(true);
    await removeObject(api.context, pods, dying);
    expect(await isThere('a')).to.equal(false);
  });

  it('may be hurried, and never slowed down', async () => {
    await create('a', { nodeName: 'n' });
    await remove('a');
    api.now += 5000;
    const sooner = podOf(await remove('a', { gracePeriodSeconds: 10 }));
    // It counts from the first time.
    expect(sooner.metadata).to.include({
      deletionTimestamp: '2026-01-01T00:00:10Z',
      deletionGracePeriodSeconds: 10,
    });
    const later = podOf(await remove('a', { gracePeriodSeconds: 60 }));
    expect(later).to.deep.equal(sooner);
    expect((await remove('a', { gracePeriodSeconds: 0 })).status).to.equal(200);
    expect(await isThere('a')).to.equal(false);
  });

  it('takes its options from the query too, and a negative period for the shortest', async () => {
    await create('a', { nodeName: 'n' });
    const dying = podOf(await api.call('DELETE', `${podsPath}/a?gracePeriodSeconds=7`));
    expect(dying.metadata.deletionGracePeriodSeconds).to.equal(7);
    await create('b', { nodeName: 'n' });
    expect(podOf(await remove('b', { gracePeriodSeconds: -1 })).metadata.deletionGracePeriodSeconds).to.equal(
      1,
    );
  });

  it('of a pod that has ended is done at once', async () => {
    await create('a', { nodeName: 'n' });
    await api.call('PATCH', `${podsPath}/a/status`, {
      body: { status: { phase: 'Succeeded' } },
      type: merge,
    });
    await remove('a');
    expect(await isThere('a')).to.equal(false);
  });

  it('waits for finalizers', async () => {
    await create('a', {}, { finalizers: ['example.com/a'] });
    const dying = podOf(await remove('a'));
    expect(dying.metadata).to.include({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    });
    expect(podOf(await remove('a'))).to.deep.equal(dying);
    await api.call('PATCH', `${podsPath}/a`, { body: { metadata: { labels: { x: 'y' } } }, type: merge });
    expect(await isThere('a')).to.equal(true);
    await api.call('PATCH', `${podsPath}/a`, { body: { metadata: { finalizers: null } }, type: merge });
    expect(await isThere('a')).to.equal(false);
  });

  it('waits for finalizers also when the node is done', async () => {
    await create('a', { nodeName: 'n' }, { finalizers: ['example.com/a'] });
    const dying = podOf(await remove('a'));
    await removeObject(api.context, pods, dying);
    expect(await isThere('a')).to.equal(true);
    await api.call('PATCH', `${podsPath}/a`, { body: { metadata: { finalizers: null } }, type: merge });
    expect(await isThere('a')).to.equal(false);
  });

  it('takes only what it was meant for', async () => {
    const { metadata } = await create('a');
    const other = statusOf(await remove('a', { preconditions: { uid: 'x' } }));
    expect(other).to.include({ code: 409, reason: 'Conflict' });
    expect(other.message).to.equal(
      `Operation cannot be fulfilled on pods "a": Precondition failed: UID in precondition: x, UID in object meta: ${metadata.uid}`,
    );
    expect(statusOf(await remove('a', { preconditions: { resourceVersion: '1' } })).code).to.equal(409);
    expect((await remove('a', { preconditions: { uid: metadata.uid } })).status).to.equal(200);
    // One of the same name has another life.
    const next = await create('a');
    await removeObject(api.context, pods, { ...next, metadata });
    expect(await isThere('a')).to.equal(true);
  });

  it('refuses options that are wrong', async () => {
    await create('a');
    const rows: readonly (readonly [object, number, string])[] = [
      [
        { gracePeriodSeconds: 'soon' },
        400,
        'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
      ],
      [
        { propagationPolicy: 'Later' },
        422,
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Later": supported values: "Background", "Foreground", "Orphan"',
      ],
      [
        { dryRun: ['Some'] },
        422,
        'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
      ],
      [[], 400, 'json: cannot unmarshal array into Go value of type v1.DeleteOptions'],
    ];
    for (const [body, code, message] of rows)
      expect(statusOf(await remove('a', body))).to.include({ code, message });
    expect(statusOf(await api.call('DELETE', `${podsPath}/a?gracePeriodSeconds=x`)).code).to.equal(400);
    expect(await isThere('a')).to.equal(true);
  });

  it('of a collection takes what is selected in one namespace', async () => {
    await create('a', {}, { labels: { app: 'x' } });
    await create('b', {}, { labels: { app: 'y' } });
    const deleted = await api.call('DELETE', `${podsPath}?labelSelector=app%3Dx`);
    expect(namesOf(deleted)).to.deep.equal(['a']);
    expect(namesOf(await api.call('GET', podsPath))).to.deep.equal(['b']);
    for (const path of ['/api/v1/pods', '/api/v1/namespaces', '/api/v1/events'])
      expect(statusOf(await api.call('DELETE', path))).to.include({ code: 405, reason: 'MethodNotAllowed' });
    expect(namesOf(await api.call('GET', podsPath))).to.deep.equal(['b']);
    await api.call('DELETE', podsPath);
    expect(namesOf(await api.call('GET', podsPath))).to.deep.equal([]);
  });

  it('of what has no grace is told by a Status', async () => {
    const body = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } };
    const node = podOf(await api.call('POST', '/api/v1/nodes', { body }));
    expect((await api.call('DELETE', '/api/v1/nodes/n')).value).to.deep.equal({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'n', kind: 'nodes', uid: node.metadata.uid },
    });
  });
});
