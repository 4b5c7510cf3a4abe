import { expect } from 'chai';
import type { PodLogRequest } from '../../../src/orchestrator/apiserver/pod-logs.ts';
import { type OpenedApi, openApi, podNamed, podsPath, statusOf } from '../support/open-api.ts';

const two = [
  { name: 'a', image: 'a:1' },
  { name: 'b', image: 'b:1' },
];

describe('API: logs', () => {
  let api: OpenedApi;
  let asked: PodLogRequest[] = [];
  let output: readonly string[] | undefined = ['one\n', 'two\n'];
  before(async () => {
    const openLog = async (request: PodLogRequest) => {
      asked.push(request);
      const chunks = output;
      return chunks === undefined ? undefined : bytesOf(chunks);
    };
    api = await openApi({ logs: { openLog } });
    await api.call('POST', podsPath, { body: podNamed('single') });
    await api.call('POST', podsPath, {
      body: podNamed('double', { containers: two, initContainers: [{ name: 'i', image: 'i' }] }),
    });
  });
  beforeEach(() => {
    asked = [];
    output = ['one\n', 'two\n'];
  });
  after(() => api.close());

  async function* bytesOf(chunks: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const log = (name: string, query = '') => api.call('GET', `${podsPath}/${name}/log${query}`);

  it('are sent as text', async () => {
    const { status, headers, text } = await log('single');
    expect([status, headers['content-type'], text]).to.deep.equal([
      200,
      'text/plain; charset=utf-8',
      'one\ntwo\n',
    ]);
    expect(asked[0]).to.deep.include({
      container: 'app',
      previous: false,
      follow: false,
      timestamps: false,
      tail: undefined,
      since: undefined,
    });
  });

  it('are asked for with what the client wants', async () => {
    await log('double', '?container=i&previous=true&follow=true&timestamps=1&tailLines=5&sinceSeconds=60');
    expect(asked[0]).to.deep.include({
      container: 'i',
      previous: true,
      follow: true,
      timestamps: true,
      tail: 5,
      since: '2025-12-31T23:59:00.000Z',
    });
    await log('single', '?sinceSeconds=999999999999999');
    expect(asked.pop()?.since).to.equal('1970-01-01T00:00:00.000Z');
    await log('double', '?container=b&sinceTime=2026-01-01T00:00:00Z');
    expect(asked[1]).to.include({ container: 'b', since: '2026-01-01T00:00:00Z' });
  });

  it('are cut after so many bytes', async () => {
    for (const [limit, text] of [
      [1, 'o'],
      [4, 'one\n'],
      [6, 'one\ntw'],
      [99, 'one\ntwo\n'],
    ] as const)
      expect((await log('single', `?limitBytes=${limit}`)).text).to.equal(text);
  });

  it('refuse what is wrong', async () => {
    const rows: readonly (readonly [string, string, number, string])[] = [
      ['none', '', 404, 'pods "none" not found'],
      [
        'double',
        '',
        400,
        'a container name must be specified for pod double, choose one of: [a b] or one of the init containers: [i]',
      ],
      ['double', '?container=c', 400, 'container c is not valid for pod double'],
      ['single', '?tailLines=-1', 400, 'tailLines: Invalid value: must be greater than or equal to 0'],
      ['single', '?tailLines=x', 400, 'tailLines must be a whole number, not "x"'],
      ['single', '?limitBytes=0', 400, 'limitBytes: Invalid value: must be greater than 0'],
      ['single', '?sinceSeconds=0', 400, 'sinceSeconds: Invalid value: must be greater than 0'],
      ['single', '?sinceTime=now', 400, 'sinceTime: Invalid value: "now"'],
      [
        'single',
        '?sinceTime=2026-01-01T00:00:00Z&sinceSeconds=1',
        400,
        'at most one of sinceTime or sinceSeconds may be specified',
      ],
    ];
    for (const [name, query, code, message] of rows)
      expect(statusOf(await log(name, query))).to.include({ code, message });
    expect(asked).to.deep.equal([]);
  });

  it('of what has not begun say why', async () => {
    output = undefined;
    expect(statusOf(await log('single'))).to.include({
      code: 400,
      message: 'container "app" in pod "single" is waiting to start: ContainerCreating',
    });
    expect(statusOf(await log('single', '?previous=true')).message).to.equal(
      'previous terminated container "app" in pod "single" not found',
    );
    const waiting = {
      name: 'app',
      image: 'app:1',
      imageID: '',
      ready: false,
      restartCount: 0,
      lastState: {},
      state: { waiting: { reason: 'ImagePullBackOff' } },
    };
    const body = { status: { containerStatuses: [waiting] } };
    await api.call('PATCH', `${podsPath}/single/status`, { body, type: 'application/merge-patch+json' });
    expect(statusOf(await log('single')).message).to.equal(
      'container "app" in pod "single" is waiting to start: trying and failing to pull image',
    );
  });
});
