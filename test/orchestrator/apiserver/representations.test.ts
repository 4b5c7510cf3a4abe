import { expect } from 'chai';
import type { Table } from '../../../src/api/table.ts';
import { type OpenedApi, openApi, podNamed, podOf, podsPath, statusOf } from '../support/open-api.ts';

const accept =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
const aggregated =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

describe('API: tables', () => {
  let api: OpenedApi;
  before(async () => {
    api = await openApi();
    for (const name of ['a', 'b']) await api.call('POST', podsPath, { body: podNamed(name) });
    api.now += 90_000;
  });
  after(() => api.close());

  const table = async (path: string) =>
    (await api.call('GET', path, { headers: { Accept: accept } })).value as unknown as Table;

  it('of a list', async () => {
    const { kind, apiVersion, metadata, columnDefinitions, rows } = await table(podsPath);
    expect([kind, apiVersion]).to.deep.equal(['Table', 'meta.k8s.io/v1']);
    expect(metadata.resourceVersion).to.match(/^\d+$/);
    expect(columnDefinitions.map(({ name }) => name).slice(0, 5)).to.deep.equal([
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
    ]);
    expect(rows.map(({ cells }) => cells.slice(0, 5))).to.deep.equal([
      ['a', '0/1', 'Pending', '0', '90s'],
      ['b', '0/1', 'Pending', '0', '90s'],
    ]);
  });

  it('of one object', async () => {
    const { metadata, rows } = await table(`${podsPath}/a`);
    expect(rows.length).to.equal(1);
    expect(metadata.resourceVersion).to.equal(rows[0]?.object?.metadata.resourceVersion);
  });

  it('carry with each row what is asked for', async () => {
    const objectOf = async (include: string) =>
      (await table(`${podsPath}?includeObject=${include}`)).rows[0]?.object;
    expect(await objectOf('None')).to.equal(undefined);
    const whole = podOf(await api.call('GET', `${podsPath}/a`));
    expect(await objectOf('Object')).to.deep.equal(whole);
    const { metadata } = whole;
    const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
    for (const include of ['', 'Metadata']) expect(await objectOf(include)).to.deep.equal(partial);
  });

  it('of nothing have columns all the same', async () => {
    const { columnDefinitions, rows } = await table('/api/v1/namespaces/kube-system/pods');
    expect([columnDefinitions.length, rows]).to.deep.equal([9, []]);
  });

  it('of every kind have a cell for each column', async () => {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'a' },
    };
    await api.call('POST', '/api/v1/namespaces/default/events', { body: event });
    await api.call('POST', '/api/v1/nodes', {
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
    });
    for (const { resource } of api.context.resources) {
      const { columnDefinitions, rows } = await table(`/api/v1/${resource}`);
      expect(rows.length, resource).to.be.greaterThan(0);
      for (const { cells } of rows) expect(cells.length, resource).to.equal(columnDefinitions.length);
    }
  });

  it('are given only to who asks for them', async () => {
    for (const Accept of [
      'application/json',
      '*/*',
      'application/vnd.kubernetes.protobuf,application/json',
      'application/json;as=Table',
    ])
      expect((await api.call('GET', podsPath, { headers: { Accept } })).value['kind'], Accept).to.equal(
        'PodList',
      );
    const first = await api.call('GET', podsPath, {
      headers: { Accept: `application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,${accept}` },
    });
    expect(first.value['kind']).to.equal('Table');
  });
});

describe('API: discovery', () => {
  let api: OpenedApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  it('in one document, where the client can read it', async () => {
    const reply = await api.call('GET', '/api', { headers: { Accept: aggregated } });
    expect(reply.headers['content-type']).to.equal(
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
    const [core] = reply.value['items'] as readonly {
      versions: { version: string; resources: { resource: string; verbs: string[] }[] }[];
    }[];
    const resources = core?.versions[0]?.resources ?? [];
    expect(resources.map(({ resource }) => resource)).to.deep.equal([
      'events',
      'namespaces',
      'nodes',
      'pods',
    ]);
    expect(resources.find(({ resource }) => resource === 'namespaces')?.verbs).to.not.include(
      'deletecollection',
    );
    expect(resources.find(({ resource }) => resource === 'pods')).to.deep.equal({
      resource: 'pods',
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
      categories: ['all'],
      subresources: [
        {
          subresource: 'status',
          responseKind: { group: '', version: 'v1', kind: 'Pod' },
          verbs: ['get', 'patch', 'update'],
        },
        { subresource: 'log', responseKind: { group: '', version: 'v1', kind: 'Pod' }, verbs: ['get'] },
      ],
    });
    expect(
      (await api.call('GET', '/apis', { headers: { Accept: aggregated } })).value['items'],
    ).to.deep.equal([]);
  });

  it('step by step, for those from before', async () => {
    expect((await api.call('GET', '/api')).value).to.deep.equal({ kind: 'APIVersions', versions: ['v1'] });
    expect((await api.call('GET', '/apis')).value).to.deep.equal({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [],
    });
    const { value } = await api.call('GET', '/api/v1');
    expect([value['kind'], value['groupVersion']]).to.deep.equal(['APIResourceList', 'v1']);
    const names = (value['resources'] as readonly { name: string }[]).map(({ name }) => name);
    expect(names).to.deep.equal([
      'events',
      'namespaces',
      'namespaces/status',
      'nodes',
      'nodes/status',
      'pods',
      'pods/status',
      'pods/log',
    ]);
  });

  it('of schemas, under an address that changes with them', async () => {
    const { value } = await api.call('GET', '/openapi/v3');
    const paths = value['paths'] as Readonly<Record<string, { serverRelativeURL: string }>>;
    expect(Object.keys(paths)).to.deep.equal(['api/v1']);
    const address = paths['api/v1']?.serverRelativeURL ?? '';
    expect(address).to.match(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64}$/);
    const document = await api.call('GET', address);
    expect(document.headers['cache-control']).to.match(/immutable/);
    expect((await api.call('GET', '/openapi/v3/api/v1')).headers['cache-control']).to.match(/no-cache/);
    const headers = { 'If-None-Match': String(document.headers.etag) };
    expect((await api.call('GET', address, { headers })).status).to.equal(304);
    expect((await api.call('GET', '/openapi/v3/apis/apps/v1')).status).to.equal(404);
  });

  it('of schemas has everything that it refers to, and where fields are validated', async () => {
    const { value } = await api.call('GET', '/openapi/v3/api/v1');
    const { schemas } = value['components'] as { schemas: Readonly<Record<string, object>> };
    const references = JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name = ''] of references) expect(Object.hasOwn(schemas, name), name).to.equal(true);
    const paths = value['paths'] as Readonly<
      Record<
        string,
        { patch?: { parameters: { name: string }[]; 'x-kubernetes-group-version-kind': { kind: string } } }
      >
    >;
    const patched = Object.values(paths).flatMap(({ patch }) => (patch === undefined ? [] : [patch]));
    expect(patched.map(patch => patch['x-kubernetes-group-version-kind'].kind).sort()).to.deep.equal([
      'Event',
      'Namespace',
      'Node',
      'Pod',
    ]);
    for (const { parameters } of patched)
      expect(parameters.map(({ name }) => name)).to.include('fieldValidation');
  });

  it('of what the server is', async () => {
    expect((await api.call('GET', '/version')).value).to.include({
      major: '1',
      minor: '33',
      gitTreeState: 'clean',
    });
    for (const path of ['/healthz', '/livez', '/readyz'])
      expect((await api.call('GET', path)).text).to.equal('ok');
  });

  it('of nothing that is not there', async () => {
    const rows: readonly (readonly [string, string, number])[] = [
      ['GET', '/', 404],
      ['GET', '/api/v2', 404],
      ['GET', '/apis/apps/v1', 404],
      ['GET', '/apis/apps/v1/deployments', 404],
      ['GET', '/api/v1/secrets', 404],
      ['GET', '/api/v1/constructor', 404],
      ['GET', '/constructor', 404],
      ['GET', '/api/v1/pods/a', 404],
      ['GET', `${podsPath}/a/exec`, 404],
      ['GET', `${podsPath}/a/log/b`, 404],
      ['GET', '/api/v1/namespaces/default/nodes', 404],
      ['GET', '/api/v1/namespaces/default/nodes/n', 404],
      ['GET', `${podsPath}/a%2Fb`, 404],
      ['GET', `${podsPath}/%zz`, 404],
      ['GET', `${podsPath}/${'x'.repeat(5000)}`, 404],
      ['GET', `/api/v1/namespaces/${'x'.repeat(5000)}/pods`, 404],
      ['GET', `${podsPath}/%00`, 404],
      ['GET', '/api//v1/pods', 404],
      ['GET', '/openapi/v2', 404],
      ['POST', '/version', 404],
      ['POST', `${podsPath}/a`, 405],
      ['PUT', podsPath, 405],
      ['PATCH', podsPath, 405],
      ['DELETE', `${podsPath}/a/status`, 405],
      ['POST', `${podsPath}/a/log`, 405],
      ['HEAD', podsPath, 405],
      ['OPTIONS', podsPath, 405],
      ['PROPFIND', podsPath, 405],
    ];
    for (const [method, path, code] of rows) {
      const reply = await api.call(method, path);
      expect(reply.status, `${method} ${path}`).to.equal(code);
      if (method !== 'HEAD')
        expect(statusOf(reply), `${method} ${path}`).to.include({ kind: 'Status', code });
    }
    expect(api.log).to.deep.equal([]);
  });
});
