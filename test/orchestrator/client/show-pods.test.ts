import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { type HawserError, isHawserError } from '../../../src/errors/hawser-error.ts';
import { EventRecorder } from '../../../src/orchestrator/apiserver/event-recorder.ts';
import { ApiClient } from '../../../src/orchestrator/client/api-client.ts';
import { describePod } from '../../../src/orchestrator/client/describe-pod.ts';
import { type GetPodsOptions, getPods } from '../../../src/orchestrator/client/get-pods.ts';
import { podLogs } from '../../../src/orchestrator/client/pod-logs.ts';
import { alignTabs } from '../../../src/orchestrator/client/tab-writer.ts';
import { type OpenedApi, openApi, podNamed, podOf, podsPath } from '../support/open-api.ts';

const folder = 'fixtures/k8s/describe';

async function failureOf(work: Promise<unknown>): Promise<HawserError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isHawserError(thrown)) return thrown;
  throw new Error(`not refused: ${thrown}`);
}

describe('client: describe', () => {
  let api: OpenedApi;
  const zone = process.env['TZ'];
  before(async () => {
    process.env['TZ'] = 'UTC';
    api = await openApi();
  });
  after(async () => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    await api.close();
  });

  // The texts are those of kubectl 1.33 for the same pods.
  for (const name of ['ended', 'pending']) {
    it(`writes ${name} as kubectl does`, async () => {
      const raw = await readFile(`${folder}/${name}.json`, 'utf8');
      expect((await api.call('POST', podsPath, { raw })).status).to.equal(201);
      expect((await api.call('PUT', `${podsPath}/${name}/status`, { raw })).status).to.equal(200);
      expect(await describePod(new ApiClient(api.url), name)).to.equal(
        await readFile(`${folder}/${name}.txt`, 'utf8'),
      );
    });
  }

  it('has a text for each pod', async () => {
    expect((await readdir(folder)).sort()).to.deep.equal([
      'ended.json',
      'ended.txt',
      'pending.json',
      'pending.txt',
    ]);
  });

  it('shows events in the order of their time, repeated ones with their count', async () => {
    const pod = podOf(await api.call('POST', podsPath, { body: podNamed('told') }));
    const recorder = new EventRecorder(api.context, line => api.log.push(line));
    const tell = (message: string) =>
      recorder.record({ object: pod, type: 'Warning', reason: 'Testing', message, component: 'test' });
    tell('first');
    tell('second');
    api.now += 60_000;
    tell('first');
    await recorder.drain();
    const text = await describePod(new ApiClient(api.url), 'told');
    const rows = text.slice(text.indexOf('Events:')).trim().split('\n').slice(3);
    expect(
      rows.map(row =>
        row
          .trim()
          .split(/ {2,}/)
          .filter((_, index) => index !== 2),
      ),
    ).to.deep.equal([
      ['Warning', 'Testing', 'test', 'second'],
      ['Warning', 'Testing', 'test', 'first'],
    ]);
    expect(rows[1]).to.match(/\(x2 over \S+\)/);
  });

  it('tells that there is none', async () => {
    const error = await failureOf(describePod(new ApiClient(api.url), 'none', { namespace: 'kube-system' }));
    expect([error.code, error.message]).to.deep.equal(['NOT_FOUND', 'pods "none" not found']);
  });
});

describe('client: get', () => {
  let api: OpenedApi;
  before(async () => {
    api = await openApi();
    for (const name of ['a', 'long-name'])
      await api.call('POST', podsPath, { body: podNamed(name, {}, { labels: { app: name } }) });
    await api.call('POST', '/api/v1/namespaces/kube-system/pods', { body: podNamed('a', { nodeName: 'n' }) });
    api.now += 60_000;
  });
  after(() => api.close());

  async function get(
    options: Partial<GetPodsOptions>,
  ): Promise<{ readonly out: string; readonly notes: string }> {
    const out: string[] = [];
    const notes: string[] = [];
    await getPods(new ApiClient(api.url), {
      names: [],
      print: text => out.push(text),
      note: text => notes.push(text),
      ...options,
    });
    return { out: out.join('\n'), notes: notes.join('\n') };
  }

  it('prints tables', async () => {
    expect((await get({})).out).to.equal(
      'NAME        READY   STATUS    RESTARTS   AGE\na           0/1     Pending   0          60s\nlong-name   0/1     Pending   0          60s',
    );
    expect((await get({ allNamespaces: true, selector: '!app', output: 'wide' })).out).to.equal(
      'NAMESPACE     NAME   READY   STATUS    RESTARTS   AGE   IP       NODE   NOMINATED NODE   READINESS GATES\nkube-system   a      0/1     Pending   0          60s   <none>   n      <none>           <none>',
    );
    expect(
      (await get({ names: ['long-name', 'a'] })).out.split('\n').map(line => line.split(' ')[0]),
    ).to.deep.equal(['NAME', 'long-name', 'a']);
  });

  it('prints names and objects', async () => {
    expect((await get({ output: 'name' })).out).to.equal('pod/a\npod/long-name');
    const one = JSON.parse((await get({ names: ['a'], output: 'json' })).out) as {
      kind: string;
      metadata: { name: string };
    };
    expect([one.kind, one.metadata.name]).to.deep.equal(['Pod', 'a']);
    const list = JSON.parse((await get({ output: 'json' })).out) as { kind: string; items: unknown[] };
    expect([list.kind, list.items.length]).to.deep.equal(['List', 2]);
    expect((await get({ names: ['a'], output: 'yaml' })).out).to.match(/^apiVersion: v1\nkind: Pod\n/);
  });

  it('notes that there is none', async () => {
    expect(await get({ namespace: 'kube-public' })).to.deep.equal({
      out: '',
      notes: 'No resources found in kube-public namespace.',
    });
    expect(await get({ allNamespaces: true, selector: 'none' })).to.deep.equal({
      out: '',
      notes: 'No resources found',
    });
  });

  it('refuses what makes no sense', async () => {
    expect((await failureOf(get({ names: ['z'] }))).code).to.equal('NOT_FOUND');
    expect((await failureOf(get({ names: [''] }))).code).to.equal('INVALID_ARGUMENT');
    expect((await failureOf(get({ names: ['a'], allNamespaces: true }))).code).to.equal('INVALID_ARGUMENT');
    expect((await failureOf(get({ selector: 'a b' }))).code).to.equal('OBJECT_INVALID');
  });
});

describe('client: logs', () => {
  let api: OpenedApi;
  let asked: Readonly<Record<string, unknown>> = {};
  before(async () => {
    const openLog = async (request: object) => {
      asked = request as Readonly<Record<string, unknown>>;
      return (async function* () {
        yield Buffer.from('one\n');
        yield Buffer.from('two\n');
      })();
    };
    api = await openApi({ logs: { openLog } });
    const two = ['a', 'b'].map(name => ({ name, image: 'a:1' }));
    await api.call('POST', podsPath, { body: podNamed('one') });
    await api.call('POST', podsPath, {
      body: podNamed('two', { containers: two, initContainers: [{ name: 'i', image: 'i' }] }),
    });
    const annotations = { 'kubectl.kubernetes.io/default-container': 'b' };
    await api.call('POST', podsPath, { body: podNamed('chosen', { containers: two }, { annotations }) });
  });
  after(() => api.close());

  async function logs(name: string, options: object = {}) {
    const chunks: Uint8Array[] = [];
    const notes: string[] = [];
    await podLogs(new ApiClient(api.url), name, {
      write: chunk => void chunks.push(chunk),
      note: text => notes.push(text),
      ...options,
    });
    return { text: Buffer.concat(chunks).toString(), notes };
  }

  it('writes the output of the only container', async () => {
    expect(await logs('one')).to.deep.equal({ text: 'one\ntwo\n', notes: [] });
    expect(asked).to.include({ container: 'app', follow: false, previous: false });
  });

  it('says which container it took', async () => {
    expect((await logs('two')).notes).to.deep.equal(['Defaulted container "a" out of: a, b, i (init)']);
    expect((await logs('chosen')).notes).to.deep.equal([]);
    expect(asked).to.include({ container: 'b' });
  });

  it('asks for what is wanted', async () => {
    await logs('two', {
      container: 'i',
      follow: true,
      previous: true,
      timestamps: true,
      tail: 0,
      since: '2026-01-01T00:00:00Z',
    });
    expect(asked).to.include({
      container: 'i',
      follow: true,
      previous: true,
      timestamps: true,
      tail: 0,
      since: '2026-01-01T00:00:00Z',
    });
    expect((await logs('one', { limitBytes: 5 })).text).to.equal('one\nt');
  });

  it('tells what is wrong', async () => {
    expect((await failureOf(logs('none'))).code).to.equal('NOT_FOUND');
    const error = await failureOf(logs('two', { container: 'z' }));
    expect([error.code, error.message]).to.deep.equal([
      'OBJECT_INVALID',
      'container z is not valid for pod two',
    ]);
  });
});

describe('elastic tab stops', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['', ''],
    ['a', 'a'],
    ['a\tb\n', 'a  b\n'],
    ['a\tb\nlong\tc\n', 'a     b\nlong  c\n'],
    // A column ends where a line has no cell for it.
    ['a\tb\nword\nlonger\tc\n', 'a  b\nword\nlonger  c\n'],
    ['a\tb\tc\naa\tbbb\tc\n', 'a   b    c\naa  bbb  c\n'],
    ['\tb\naaa\tb\n', '     b\naaa  b\n'],
    ['\tb\n\tc\n', 'b\nc\n'],
    ['ä\tb\nxx\tb\n', 'ä   b\nxx  b\n'],
  ];
  for (const [text, expected] of rows) {
    it(JSON.stringify(text), () => expect(alignTabs(text)).to.equal(expected));
  }
});
