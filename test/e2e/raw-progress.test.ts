import { expect } from 'chai';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox AS one',
  'RUN echo one; printf "\\377" >&2',
  'FROM busybox',
  'MAINTAINER nobody',
  'COPY --from=one /etc/passwd /one',
  'RUN exit 3',
  '',
].join('\n');

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const isText: Check = value => typeof value === 'string' && value !== '';
const isNumber: Check = value => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime: Check = value => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(value));
const isDigest: Check = value => /^sha256:[0-9a-f]{64}$/.test(String(value));
const isBase64: Check = value => Buffer.from(String(value), 'base64').toString('base64') === value;
const listOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check);
const shaped =
  (shape: Shape): Check =>
  value =>
    Object.entries(value as object).every(([name, field]) => shape[name]?.(field) === true);
const position = shaped({ line: isNumber, character: isNumber });

/** Every field that BuildKit's client decodes: client/graph.go, solver/pb/ops.proto. Go's zero values may be left out. */
const statusOf: Readonly<Record<string, Shape>> = {
  vertexes: {
    digest: isDigest,
    inputs: listOf(isDigest),
    name: isText,
    started: isTime,
    completed: isTime,
    cached: value => value === true,
    error: isText,
  },
  statuses: {
    id: isText,
    vertex: isDigest,
    name: isText,
    total: isNumber,
    current: isNumber,
    timestamp: isTime,
    started: isTime,
    completed: isTime,
  },
  logs: { vertex: isDigest, stream: value => value === 1 || value === 2, data: isBase64, timestamp: isTime },
  warnings: {
    vertex: isDigest,
    level: isNumber,
    short: isBase64,
    detail: listOf(isBase64),
    url: isText,
    sourceInfo: shaped({ filename: isText, data: isBase64, language: isText }),
    range: listOf(shaped({ start: position, end: position })),
  },
};

type Entry = Readonly<Record<string, unknown>>;

describe('--progress rawjson', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
  });
  after(() => sandbox.dispose());

  /** What each kind of a build's status has told, each field of it checked. */
  async function told(...args: string[]): Promise<Readonly<Record<string, readonly Entry[]>>> {
    const { stderr } = await sandbox.try(['build', '--progress', 'rawjson', ...args, 'app']);
    const kinds: Record<string, Entry[]> = { vertexes: [], statuses: [], logs: [], warnings: [] };
    for (const line of stderr.split('\n').filter(text => text.startsWith('{'))) {
      for (const [kind, entries] of Object.entries(JSON.parse(line) as Record<string, Entry[]>)) {
        for (const entry of entries) expect(shaped(statusOf[kind] ?? {})(entry), line).to.equal(true);
        kinds[kind]?.push(...entries);
      }
    }
    return kinds;
  }

  it('tells a build in the fields of BuildKit, and each thing of a vertex that was told before', async () => {
    const { vertexes = [], statuses = [], logs = [], warnings = [] } = await told();
    const known = new Set(vertexes.map(({ digest }) => digest));
    for (const { vertex } of [...statuses, ...logs, ...warnings]) expect(known).to.include(vertex);
    for (const { inputs = [] } of vertexes) expect([...known]).to.include.members(inputs as unknown[]);
    const bytes = (stream: number) =>
      Buffer.concat(
        logs.filter(log => log.stream === stream).map(({ data }) => Buffer.from(String(data), 'base64')),
      );
    expect(bytes(1).toString()).to.equal('one\n');
    expect([...bytes(2)]).to.deep.equal([0xff]);
    const short = warnings.map(warning => Buffer.from(String(warning.short), 'base64').toString());
    expect(short.join()).to.match(/^MaintainerDeprecated: .* \(line 4\)$/);
    const failed = vertexes.filter(({ error }) => error !== undefined);
    expect(failed.map(({ name }) => name)).to.deep.equal(['[stage-1 3/3] RUN exit 3']);
  });

  it('says of what is cached that it is, and ends all that it has begun', async () => {
    const { vertexes = [] } = await told('--target', 'one');
    const ends = new Map(vertexes.map(({ digest, ...vertex }) => [digest, vertex as Entry]));
    expect([...ends.values()].filter(({ cached }) => cached).map(({ name }) => name)).to.deep.equal([
      '[one 2/2] RUN echo one; printf "\\377" >&2',
    ]);
    for (const vertex of ends.values()) expect(vertex).to.include.keys('started', 'completed');
  });
});
