import { expect } from 'chai';
import { type OpenedApi, openApi, podNamed, podOf, podsPath, statusOf } from '../support/open-api.ts';

const yaml = `
apiVersion: v1
kind: Pod
metadata:
  name: from-yaml
spec:
  containers:
  - name: app
    image: app:1
    env:
    - {name: MODE, value: "0644"}
`;
const twice =
  '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"d"},"spec":{"hostname":"a","hostname":"b","containers":[{"name":"a","image":"a:1","image":"b:1"}]}}';

/** What kubectl 1.33 sends for `create namespace pb`. */
const protobufNamespace = Buffer.from(
  '6b3873000a0f0a02763112094e616d657370616365121a0a120a02706212001a0022002a0032003800420012001a020a001a002200',
  'hex',
);

describe('API: bodies', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi();
  });
  afterEach(() => api.close());

  const withField = podNamed('a', {
    containerz: [],
    containers: [{ name: 'app', image: 'app:1', prots: [] }],
  });
  const strict = 'Pod in version "v1" cannot be handled as a Pod: strict decoding error:';
  const unknown = ['unknown field "spec.containers[0].prots"', 'unknown field "spec.containerz"'];
  const doubled = ['duplicate field "spec.hostname"', 'duplicate field "spec.containers[0].image"'];
  const warningsOf = (header: string | string[] | undefined) =>
    [...String(header ?? '').matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map(
      ([, text = '']) => JSON.parse(text) as string,
    );

  it('with fields that nobody knows are refused, told of, or taken, as the client wishes', async () => {
    const post = (validation: string) =>
      api.call('POST', `${podsPath}?fieldValidation=${validation}`, { body: withField });
    const refused = statusOf(await post('Strict'));
    expect(refused).to.include({
      code: 400,
      reason: 'BadRequest',
      message: `${strict} ${unknown.join(', ')}`,
    });
    const warned = await post('Warn');
    expect(warned.status).to.equal(201);
    expect(warningsOf(warned.headers.warning)).to.deep.equal(unknown);
    expect(podOf(warned).spec).to.not.have.property('containerz');
    await api.call('DELETE', `${podsPath}/a`);
    const ignored = await post('Ignore');
    expect([ignored.status, ignored.headers.warning]).to.deep.equal([201, undefined]);
    expect(statusOf(await post('Loud')).message).to.equal(
      'fieldValidation parameter must be one of Ignore, Warn or Strict, not "Loud"',
    );
  });

  it('warn where the client does not say', async () => {
    const { headers } = await api.call('POST', podsPath, { body: withField });
    expect(warningsOf(headers.warning)).to.deep.equal(unknown);
  });

  it('with a field twice are refused, told of, or taken by the last of them', async () => {
    const post = (validation: string) =>
      api.call('POST', `${podsPath}?fieldValidation=${validation}`, { raw: twice });
    expect(statusOf(await post('Strict')).message).to.equal(`${strict} ${doubled.join(', ')}`);
    const warned = await post('Warn');
    expect(warningsOf(warned.headers.warning)).to.deep.equal(doubled);
    expect(podOf(warned).spec.hostname).to.equal('b');
    await api.call('DELETE', `${podsPath}/d`);
    expect((await post('Ignore')).headers.warning).to.equal(undefined);
  });

  it('warn of what is not acted on', async () => {
    const probe = { livenessProbe: { exec: { command: ['x'] } } };
    const body = podNamed('a', { containers: [{ name: 'a', image: 'a:1', ...probe }] });
    const { headers } = await api.call('POST', `${podsPath}?fieldValidation=Strict`, { body });
    expect(warningsOf(headers.warning)).to.deep.equal([
      'spec.containers[0].livenessProbe: hawser does not act on this field yet',
    ]);
  });

  it('warn in one line, whatever the field is called', async () => {
    const body = podNamed('a', { 'a"\r\nX-Evil: 1': 1, ä: 1 });
    const { headers, status } = await api.call('POST', podsPath, { body });
    expect(status).to.equal(201);
    expect(headers).to.not.have.property('x-evil');
    expect(warningsOf(headers.warning)).to.deep.equal([
      'unknown field "spec.a"??X-Evil: 1"',
      'unknown field "spec.?"',
    ]);
  });

  it('of a wrong type are refused whatever the client wishes', async () => {
    const body = podNamed('a', { hostNetwork: 'yes' });
    const status = statusOf(await api.call('POST', `${podsPath}?fieldValidation=Ignore`, { body }));
    expect(status).to.include({
      code: 400,
      message:
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    });
  });

  it('may be YAML', async () => {
    const made = await api.call('POST', podsPath, { raw: yaml, type: 'application/yaml' });
    expect(podOf(made).spec.containers[0]?.env).to.deep.equal([{ name: 'MODE', value: '0644' }]);
    const alias = `${yaml}    args: &a [x]\n    command: *a\n`;
    expect((await api.call('POST', podsPath, { raw: alias, type: 'application/yaml' })).status).to.equal(400);
  });

  it('of namespaces may be protobuf, as kubectl writes them', async () => {
    const type = 'application/vnd.kubernetes.protobuf';
    const made = await api.call('POST', '/api/v1/namespaces', { raw: protobufNamespace, type });
    expect(made.status, made.text).to.equal(201);
    expect(podOf(made).metadata).to.deep.include({
      name: 'pb',
      labels: { 'kubernetes.io/metadata.name': 'pb' },
    });
    const pod = Buffer.concat([Buffer.from('k8s\0'), Buffer.from('0a090a0276311203506f64', 'hex')]);
    expect(statusOf(await api.call('POST', podsPath, { raw: pod, type }))).to.include({
      code: 415,
      message: 'application/vnd.kubernetes.protobuf is not read of this kind: send application/json',
    });
    expect(statusOf(await api.call('POST', podsPath, { raw: 'x', type })).code).to.equal(400);
  });

  it('that cannot be read are refused', async () => {
    const rows: readonly (readonly [string, string | Uint8Array, string | undefined, number])[] = [
      ['no JSON', '{"a":', undefined, 400],
      ['nothing', '', undefined, 400],
      ['null', 'null', undefined, 400],
      ['a text', '"Pod"', undefined, 400],
      ['bytes that are no text', Buffer.from([0x7b, 0xff]), undefined, 400],
      ['JSON by another name', JSON.stringify(podNamed('a')), 'application/json; charset=utf-8', 201],
      ['a form', 'a=b', 'application/x-www-form-urlencoded', 415],
      ['a text of a page', JSON.stringify(podNamed('b')), 'text/plain', 415],
      ['what every object has', JSON.stringify(podNamed('b')), 'constructor', 415],
      ['CBOR', 'x', 'application/cbor', 415],
      ['no YAML', 'a: [', 'application/yaml', 400],
      ['very deep JSON', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, undefined, 422],
      [
        'a very deep label',
        `{"metadata":{"labels":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}}`,
        undefined,
        400,
      ],
    ];
    for (const [title, raw, type, code] of rows) {
      const reply = await api.call('POST', podsPath, { raw, ...(type === undefined ? {} : { type }) });
      expect(reply.status, `${title}: ${reply.text}`).to.equal(code);
      if (code === 415) expect(statusOf(reply).reason).to.equal('UnsupportedMediaType');
    }
    expect(api.log).to.deep.equal([]);
  });

  it('have a limit', async () => {
    const body = (size: number) => podNamed('a', {}, { annotations: { a: 'x'.repeat(size) } });
    expect((await api.call('POST', podsPath, { body: body(200_000) })).status).to.equal(201);
    expect((await api.call('POST', podsPath, { body: body(300_000) })).status).to.equal(422);
    expect(statusOf(await api.call('POST', podsPath, { body: body(4 << 20) }))).to.include({
      code: 413,
      reason: 'RequestEntityTooLarge',
    });
    // Chunked, nobody knows beforehand how long it gets.
    const headers = { 'Transfer-Encoding': 'chunked' };
    const chunked = await api.call('POST', podsPath, { raw: Buffer.alloc(4 << 20, ' '), headers });
    expect(chunked.status).to.equal(413);
  });
});

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

describe('API: patches', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi();
    await api.call('POST', podsPath, { body: podNamed('a', {}, { labels: { app: 'x' } }) });
  });
  afterEach(() => api.close());

  const patch = (kind: keyof typeof patchTypes, body: unknown, query = '') =>
    api.call('PATCH', `${podsPath}/a${query}`, { body, type: patchTypes[kind] });

  it('are made in three ways', async () => {
    const image = async () => podOf(await api.call('GET', `${podsPath}/a`)).spec.containers[0]?.image;
    await patch('json', [{ op: 'replace', path: '/spec/containers/0/image', value: 'app:2' }]);
    expect(await image()).to.equal('app:2');
    await patch('strategic', { spec: { containers: [{ name: 'app', image: 'app:3' }] } });
    expect(await image()).to.equal('app:3');
    const { metadata } = podOf(await patch('merge', { metadata: { labels: { app: null, tier: 'y' } } }));
    expect(metadata.labels).to.deep.equal({ tier: 'y' });
  });

  it('are validated as updates are', async () => {
    const rows: readonly (readonly [keyof typeof patchTypes, unknown, number, RegExp])[] = [
      ['merge', { spec: { hostname: 'b' } }, 422, /spec: Forbidden: pod updates may not change/],
      [
        'merge',
        { spec: { containers: [] } },
        422,
        /spec\.containers: Forbidden: pod updates may not add or remove containers/,
      ],
      [
        'merge',
        { metadata: { name: 'b' } },
        400,
        /the name of the object \(b\) does not match the name on the URL \(a\)/,
      ],
      ['merge', { kind: 'Node' }, 400, /Node in version "v1" cannot be handled as a Pod/],
      [
        'merge',
        { spec: { hostNetwork: 1 } },
        400,
        /cannot unmarshal number into Go struct field PodSpec\.spec\.hostNetwork of type bool/,
      ],
      ['merge', null, 400, /body cannot be handled as a Pod/],
      [
        'strategic',
        { spec: { containers: [{ image: 'b' }] } },
        400,
        /does not contain declared merge key: name/,
      ],
      [
        'json',
        [{ op: 'test', path: '/metadata/name', value: 'b' }],
        422,
        /testing value \/metadata\/name failed/,
      ],
      ['json', { op: 'add' }, 400, /the patch is not a list/],
      ['json', [{ op: 'remove', path: '' }], 400, /body cannot be handled as a Pod/],
    ];
    for (const [kind, body, code, message] of rows) {
      const status = statusOf(await patch(kind, body));
      expect(status.code, JSON.stringify(body)).to.equal(code);
      expect(status.message, JSON.stringify(body)).to.match(message);
    }
    expect(api.log).to.deep.equal([]);
  });

  it('tell of fields that nobody knows', async () => {
    const body = { spec: { hostnam: 'b' } };
    expect(statusOf(await patch('merge', body, '?fieldValidation=Strict')).message).to.match(
      /strict decoding error: unknown field "spec\.hostnam"/,
    );
    const warned = await patch('merge', body);
    expect(warned.status).to.equal(200);
    expect(warned.headers.warning).to.match(/unknown field \\"spec\.hostnam\\"/);
  });

  it('may be held to a version', async () => {
    const { resourceVersion = '' } = podOf(await api.call('GET', `${podsPath}/a`)).metadata;
    const body = (label: string) => ({ metadata: { resourceVersion, labels: { l: label } } });
    expect((await patch('merge', body('1'))).status).to.equal(200);
    expect(statusOf(await patch('merge', body('2')))).to.include({ code: 409, reason: 'Conflict' });
    expect((await patch('merge', { metadata: { annotations: { resourceVersion: '1' } } })).status).to.equal(
      200,
    );
  });

  it('need something to patch, and a kind that is known', async () => {
    expect((await api.call('PATCH', `${podsPath}/b`, { body: {}, type: patchTypes.merge })).status).to.equal(
      404,
    );
    expect(statusOf(await api.call('PATCH', `${podsPath}/a`, { body: {} }))).to.include({
      code: 415,
      reason: 'UnsupportedMediaType',
    });
    const raw = '{';
    expect(
      statusOf(await api.call('PATCH', `${podsPath}/a`, { raw, type: patchTypes.merge })).message,
    ).to.match(/^error decoding patch: /);
    const apply = statusOf(
      await api.call('PATCH', `${podsPath}/a`, { raw: '{}', type: 'application/apply-patch+yaml' }),
    );
    expect(apply).to.include({
      code: 415,
      message: 'server-side apply is not offered: use kubectl apply without --server-side',
    });
  });
});
