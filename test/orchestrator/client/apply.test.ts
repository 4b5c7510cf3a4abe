import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Pod } from '../../../src/api/pod.ts';
import { type HawserError, isHawserError } from '../../../src/errors/hawser-error.ts';
import { ApiClient } from '../../../src/orchestrator/client/api-client.ts';
import { applyFiles } from '../../../src/orchestrator/client/apply-files.ts';
import { lastApplied } from '../../../src/orchestrator/client/last-applied.ts';
import { type OpenedApi, openApi, podNamed, podOf, podsPath } from '../support/open-api.ts';

const manifest = (change = '', image = 'app:1', name = 'a') => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels:
    app: x
    ${change}
spec:
  containers:
  - name: app
    image: ${image}
`;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe('client: apply', () => {
  let api: OpenedApi;
  let printed: string[] = [];
  let warned: string[] = [];
  beforeEach(async () => {
    api = await openApi();
    printed = [];
    warned = [];
  });
  afterEach(() => api.close());

  async function apply(text: string, namespace?: string): Promise<string> {
    printed = [];
    warned = [];
    await applyFiles(new ApiClient(api.url), ['-'], {
      namespace,
      print: line => printed.push(line),
      warn: line => warned.push(line),
      input: bytesOf(text),
    });
    return printed.join('; ');
  }
  async function failure(text: string, namespace?: string): Promise<HawserError> {
    try {
      await apply(text, namespace);
    } catch (error) {
      if (isHawserError(error)) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }
  const get = async (name = 'a', path = podsPath) => podOf(await api.call('GET', `${path}/${name}`));
  const merge = (body: object) =>
    api.call('PATCH', `${podsPath}/a`, { body, type: 'application/merge-patch+json' });

  it('creates, then finds nothing to do, then changes what has changed', async () => {
    expect(await apply(manifest())).to.equal('pod/a created');
    const made = await get();
    expect(await apply(manifest())).to.equal('pod/a unchanged');
    expect((await get()).metadata.resourceVersion).to.equal(made.metadata.resourceVersion);
    expect(await apply(manifest('', 'app:2'))).to.equal('pod/a configured');
    expect((await get()).spec.containers[0]?.image).to.equal('app:2');
  });

  it('takes away what is no longer wanted, and leaves what others have set', async () => {
    await apply(manifest('old: label'));
    await merge({ metadata: { labels: { others: 'y', app: 'changed' }, annotations: { note: 'z' } } });
    expect(await apply(manifest('new: label'))).to.equal('pod/a configured');
    const { metadata } = await get();
    expect(metadata.labels).to.deep.equal({ app: 'x', new: 'label', others: 'y' });
    expect(metadata.annotations).to.include({ note: 'z' });
  });

  it('remembers what it wanted as kubectl does, to the byte', async () => {
    await apply(manifest('note: a_b'));
    const { metadata } = await get();
    expect(metadata.annotations?.[lastApplied]).to.equal(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{},"labels":{"app":"x","note":"a_b"},"name":"a","namespace":"default"},"spec":{"containers":[{"image":"app:1","name":"app"}]}}\n',
    );
    const text = JSON.stringify({
      ...podNamed('b'),
      metadata: { name: 'b', annotations: { html: '<a&b>\u2028', [lastApplied]: 'x' } },
    });
    await apply(text);
    expect((await get('b')).metadata.annotations?.[lastApplied]).to.include(
      '"annotations":{"html":"\\u003ca\\u0026b\\u003e\\u2028"}',
    );
  });

  it('takes over an object that it has not made', async () => {
    await api.call('POST', podsPath, { body: podNamed('a', {}, { labels: { own: 'z' } }) });
    expect(await apply(manifest())).to.equal('pod/a configured');
    expect((await get()).metadata.labels).to.deep.equal({ own: 'z', app: 'x' });
    await merge({ metadata: { annotations: { [lastApplied]: 'no JSON' } } });
    expect(await apply(manifest())).to.equal('pod/a configured');
    expect(await apply(manifest())).to.equal('pod/a unchanged');
  });

  it('finds amounts in other words to be the same', async () => {
    const resources = (cpu: string) =>
      manifest().replace('image: app:1', `image: app:1\n    resources: {limits: {cpu: ${cpu}}}`);
    await apply(resources('0.5'));
    expect(await apply(resources('0.5'))).to.equal('pod/a unchanged');
    expect((await get()).spec.containers[0]?.resources).to.deep.equal({
      limits: { cpu: '500m' },
      requests: { cpu: '500m' },
    });
  });

  it('brings several objects in their order', async () => {
    const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n';
    const inside = manifest().replace('name: a', 'name: a\n  namespace: team');
    expect(await apply(`${namespace}---\n${inside}---\n${manifest('', 'app:1', 'b')}`)).to.equal(
      'namespace/team created; pod/a created; pod/b created',
    );
    expect((await get('a', '/api/v1/namespaces/team/pods')).metadata.namespace).to.equal('team');
  });

  it('puts objects into the namespace that the command names', async () => {
    await apply(manifest(), 'kube-system');
    expect((await get('a', '/api/v1/namespaces/kube-system/pods')).metadata.namespace).to.equal(
      'kube-system',
    );
    const other = manifest().replace('name: a', 'name: a\n  namespace: kube-public');
    const error = await failure(other, 'kube-system');
    expect(error.message).to.equal('the object lies in the namespace "kube-public", not in "kube-system"');
    expect([error.location?.line, error.location?.column]).to.deep.equal([5, 14]);
    expect(await apply(other, 'kube-public')).to.equal('pod/a created');
  });

  it('reads and checks everything before it sends anything', async () => {
    const error = await failure(`${manifest()}---\n${manifest('', 'app:1', 'b').replace('image', 'imgae')}`);
    expect(error.message).to.equal('Pod "b": unknown field "spec.containers[0].imgae"');
    expect([error.location?.line, error.location?.column, error.remedy]).to.deep.equal([
      23,
      5,
      'Did you mean image?',
    ]);
    expect((await api.call('GET', `${podsPath}/a`)).status).to.equal(404);
  });

  it('tells where what the server refuses stands', async () => {
    const rows: readonly (readonly [string, string, string, RegExp])[] = [
      [
        manifest().replace('name: app', 'name: App'),
        '10:11',
        'App',
        /^Pod "a" is invalid: spec\.containers\[0\]\.name: Invalid value: "App"/,
      ],
      [manifest('', '" app:1"'), '11:12', '" app:1"', /must not have leading or trailing whitespace/],
      [manifest().replace('app: x', 'app: -x'), '6:5', 'app: -x', /metadata\.labels: Invalid value: "-x"/],
      [
        manifest().replace(/ {2}containers:[^]*/, '  containers: []\n'),
        '9:15',
        '[',
        /spec\.containers: Required value/,
      ],
    ];
    for (const [text, place, word, message] of rows) {
      const error = await failure(text);
      expect(error.code).to.equal('OBJECT_INVALID');
      expect(error.message).to.match(message);
      const { line, column = 0, excerpt = [] } = error.location ?? {};
      expect(`${line}:${column}`, text).to.equal(place);
      expect(excerpt[0]?.slice(column - 1)).to.satisfy((found: string) => found.startsWith(word));
    }
  });

  it('tells how to change what cannot be changed', async () => {
    await apply(manifest());
    const error = await failure(manifest().replace('image: app:1', 'image: app:1\n    tty: true'));
    expect(error.message).to.match(/spec: Forbidden: pod updates may not change fields/);
    expect(error.remedy).to.equal('Delete it and apply it again: hawser pod delete a.');
    const more = await failure(`${manifest()}  - {name: b, image: b}\n`);
    expect([more.message, more.location?.line]).to.deep.equal([
      'Pod "a" is invalid: spec.containers: Forbidden: pod updates may not add or remove containers',
      10,
    ]);
  });

  it('tells of kinds that are not served, and of names that are missing', async () => {
    const rows: readonly (readonly [string, string, string, number])[] = [
      [
        'apiVersion: v1\nkind: Pdo\nmetadata: {name: a}\n',
        'no matches for kind "Pdo" in version "v1"',
        'Did you mean Pod?',
        2,
      ],
      [
        'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n',
        'no matches for kind "Secret" in version "v1"',
        'This API serves Event, Namespace, Node, Pod.',
        2,
      ],
      [
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n',
        'no matches for kind "Deployment" in version "apps/v1"',
        'This API serves v1.',
        1,
      ],
      [
        'apiVersion: ../..\nkind: Pod\nmetadata: {name: a}\n',
        'no matches for kind "Pod" in version "../.."',
        'This API serves v1.',
        1,
      ],
      [
        'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {containers: []}\n',
        'the pod has no metadata.name',
        'Give it a name.',
        3,
      ],
    ];
    for (const [text, message, remedy, line] of rows) {
      const error = await failure(text);
      expect([error.code, error.message, error.remedy, error.location?.line]).to.deep.equal([
        'OBJECT_INVALID',
        message,
        remedy,
        line,
      ]);
    }
  });

  it('warns of what the server warns of, and of what is being deleted', async () => {
    await apply(
      manifest().replace('image: app:1', 'image: app:1\n    livenessProbe: {exec: {command: [x]}}'),
    );
    expect(warned).to.deep.equal(['spec.containers[0].livenessProbe: hawser does not act on this field yet']);
    await api.call('POST', podsPath, { body: podNamed('b', { nodeName: 'n' }) });
    await api.call('DELETE', `${podsPath}/b`);
    await apply(manifest('', 'app:1', 'b'));
    expect(warned).to.deep.equal(['pod/b is being deleted: apply it again when it is gone']);
  });

  it('begins again where somebody else was faster', async () => {
    await apply(manifest());
    const client = new ApiClient(api.url);
    let disturbed = false;
    const call: ApiClient['call'] = async (path, options) => {
      const reply = await ApiClient.prototype.call.call(client, path, options);
      if (path.endsWith('/pods/a') && options?.method === undefined && !disturbed) {
        disturbed = true;
        await merge({ metadata: { labels: { others: 'y' } } });
      }
      return reply;
    };
    const meddled = Object.assign(Object.create(client) as ApiClient, { call });
    const printing = { print: (line: string) => printed.push(line), warn: () => undefined };
    await applyFiles(meddled, ['-'], { ...printing, input: bytesOf(manifest('new: label')) });
    expect(printed.at(-1)).to.equal('pod/a configured');
    expect((await get()).metadata.labels).to.deep.equal({ app: 'x', new: 'label', others: 'y' });
  });

  it('reads files by their names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-apply-'));
    await writeFile(join(folder, 'pod.yaml'), manifest().replace('image', 'imgae'));
    const options = { print: () => undefined, warn: () => undefined, input: bytesOf('') };
    const thrown = await applyFiles(new ApiClient(api.url), [folder], options).catch(
      (error: unknown) => error,
    );
    expect((thrown as HawserError).location?.file).to.equal(join(folder, 'pod.yaml'));
    await rm(folder, { recursive: true });
  });

  it('tells what came of it', async () => {
    const options = { print: () => undefined, warn: () => undefined, input: bytesOf(manifest()) };
    const applied = await applyFiles(new ApiClient(api.url), ['-'], options);
    expect(applied).to.deep.equal([
      { resource: 'pods', namespace: 'default', name: 'a', outcome: 'created' },
    ]);
    const pod: Pod = await get();
    expect(pod.status?.phase).to.equal('Pending');
  });
});
