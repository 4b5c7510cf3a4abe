import { expect } from 'chai';
import type { Table } from '../../../src/api/table.ts';
import { type OpenedApi, openApi, podNamed, podOf, podsPath, type WatchLine } from '../support/open-api.ts';

describe('API: watches', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi({ logLimit: 20 });
  });
  afterEach(() => api.close());

  const merge = 'application/merge-patch+json';
  const create = async (name: string, metadata: object = {}) =>
    podOf(await api.call('POST', podsPath, { body: podNamed(name, {}, metadata) }));
  const label = (name: string, app: string | null) =>
    api.call('PATCH', `${podsPath}/${name}`, { body: { metadata: { labels: { app } } }, type: merge });
  const remove = (name: string) => api.call('DELETE', `${podsPath}/${name}`);
  const revision = async () =>
    ((await api.call('GET', podsPath)).value['metadata'] as { resourceVersion: string }).resourceVersion;

  /** The first lines of a watch, while `work` goes on. */
  async function linesOf(query: string, count: number, work: () => Promise<unknown> = async () => undefined) {
    const lines: WatchLine[] = [];
    const working = work();
    for await (const line of api.watch(`${podsPath}?watch=true${query}`)) {
      lines.push(line);
      if (lines.length === count) break;
    }
    await working;
    return lines;
  }
  const told = (lines: readonly WatchLine[]) =>
    lines.map(
      ({ type, object }) => `${type} ${object.metadata.name}${object.metadata.labels?.['app'] ?? ''}`,
    );

  it('tell what is there, and then what changes', async () => {
    await create('a');
    const lines = await linesOf('', 4, async () => {
      await create('b');
      await label('a', '1');
      await remove('b');
    });
    expect(told(lines)).to.deep.equal(['ADDED a', 'ADDED b', 'MODIFIED a1', 'DELETED b']);
    expect(lines[3]?.object.kind).to.equal('Pod');
  });

  it('tell all that came after a version', async () => {
    await create('a');
    const from = await revision();
    await create('b');
    await remove('a');
    expect(told(await linesOf(`&resourceVersion=${from}`, 2))).to.deep.equal(['ADDED b', 'DELETED a']);
    expect(told(await linesOf('&resourceVersion=0', 1))).to.deep.equal(['ADDED b']);
  });

  it('tell of a deletion under the version of the deletion', async () => {
    const { metadata } = await create('a');
    const [line] = await linesOf(`&resourceVersion=${metadata.resourceVersion}`, 1, () => remove('a'));
    expect(Number(line?.object.metadata.resourceVersion)).to.be.greaterThan(Number(metadata.resourceVersion));
  });

  it('tell who comes into sight and who leaves it', async () => {
    await create('a', { labels: { app: '1' } });
    await create('b');
    const from = await revision();
    const lines = await linesOf(`&labelSelector=app%3D1&resourceVersion=${from}`, 4, async () => {
      await label('b', '1');
      await label('a', '2');
      await label('a', '1');
      await remove('a');
    });
    expect(told(lines)).to.deep.equal(['ADDED b1', 'DELETED a2', 'ADDED a1', 'DELETED a1']);
  });

  it('tell of one object by its name', async () => {
    const lines = await linesOf('&fieldSelector=metadata.name%3Db', 1, async () => {
      await create('a');
      await create('b');
    });
    expect(told(lines)).to.deep.equal(['ADDED b']);
  });

  it('tell of all namespaces', async () => {
    const lines: string[] = [];
    const working = (async () => {
      await create('a');
      await api.call('POST', '/api/v1/namespaces/kube-system/pods', { body: podNamed('b') });
    })();
    for await (const { object } of api.watch('/api/v1/pods?watch=1')) {
      lines.push(`${object.metadata.namespace}/${object.metadata.name}`);
      if (lines.length === 2) break;
    }
    await working;
    expect(lines).to.deep.equal(['default/a', 'kube-system/b']);
  });

  it('say when all that was there has been told', async () => {
    await create('a');
    const at = await revision();
    const query = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const lines = await linesOf(query, 2);
    expect(lines.map(({ type }) => type)).to.deep.equal(['ADDED', 'BOOKMARK']);
    expect(lines[1]?.object).to.deep.equal({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: '', resourceVersion: at, annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
  });

  it('end when their time is over, with a bookmark for who wants one', async () => {
    await create('a');
    const at = await revision();
    const all: WatchLine[] = [];
    for await (const line of api.watch(`${podsPath}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`))
      all.push(line);
    expect(all.map(({ type }) => type)).to.deep.equal(['ADDED', 'BOOKMARK']);
    expect(all[1]?.object.metadata.resourceVersion).to.equal(at);
  });

  it('end with the server', async () => {
    const lines = api.watch(`${podsPath}?watch=true`);
    const working = create('a');
    expect((await lines.next()).value?.type).to.equal('ADDED');
    await working;
    const end = lines.next();
    await api.close();
    expect((await end).done).to.equal(true);
  });

  it('from a version that is no longer kept, or that is still to come, are told to list again', async () => {
    for (let index = 0; index < 40; index++) await label((await create(`p${index}`)).metadata.name, 'x');
    for (const [version, message] of [
      ['1', /^too old resource version: 1$/],
      ['99999', /^too large resource version: 99999, current: \d+$/],
    ] as const) {
      const [line] = await linesOf(`&resourceVersion=${version}`, 1);
      expect(line?.type).to.equal('ERROR');
      expect(line?.object).to.include({ kind: 'Status', code: 410, reason: 'Expired' });
      expect(line?.object.message).to.match(message);
    }
  });

  it('that are wrongly asked for do not begin', async () => {
    for (const query of [
      'resourceVersion=x',
      'resourceVersion=-1',
      'labelSelector=,',
      'fieldSelector=a%3Db',
      'timeoutSeconds=x',
    ])
      expect((await api.call('GET', `${podsPath}?watch=true&${query}`)).status, query).to.equal(400);
  });

  it('come as tables, the columns only once', async () => {
    await create('a');
    await create('b');
    const headers = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const reply = await api.call('GET', `${podsPath}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`, {
      headers,
    });
    const lines = reply.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { type: string; object: Table });
    expect(
      lines.map(({ type, object }) => [
        type,
        object.kind,
        object.columnDefinitions.length,
        object.rows[0]?.cells[0],
      ]),
    ).to.deep.equal([
      ['ADDED', 'Table', 9, 'a'],
      ['ADDED', 'Table', 0, 'b'],
      ['BOOKMARK', 'Table', 0, undefined],
    ]);
  });
});
