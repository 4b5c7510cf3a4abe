// How fast does a registry serve? `hawser registry serve` beside Debian's docker-registry (registry:2), each on a volume of
// its own with the same content, written by it. `npm run bench:registry`; the load comes from wrk.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '../src/image/digest.ts';
import { mediaTypes } from '../src/image/media-types.ts';
import { freePort } from '../test/e2e/support/ports.ts';
import { run } from '../test/e2e/support/run.ts';
import { pushBlob, pushManifest, send } from '../test/registry-server/support/registry.ts';

const ROUNDS = 5;
const SECONDS = 1;
const TAGS = 10_000;
const small = randomBytes(1 << 20);
const large = randomBytes(100_000_000);
const image = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { mediaType: mediaTypes.ociConfig, digest: digestOf(small), size: small.length },
  layers: [{ mediaType: mediaTypes.ociLayer, digest: digestOf(large), size: large.length }],
};

type Kind = 'hawser' | 'docker-registry';

/** A registry of its own process, on a volume that stays between its runs. */
class Contender {
  readonly kind: Kind;
  readonly volume: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  url = '';

  constructor(kind: Kind, folder: string) {
    this.kind = kind;
    this.#folder = join(folder, kind);
    this.volume = join(this.#folder, 'volume');
  }

  /** @returns milliseconds until it answers */
  async start(): Promise<number> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const config = join(this.#folder, 'config.yml');
    await mkdir(this.#folder, { recursive: true });
    await writeFile(
      config,
      [
        'version: 0.1',
        'log: {level: error, accesslog: {disabled: true}}',
        `storage: {filesystem: {rootdirectory: ${this.volume}}, delete: {enabled: true}}`,
        `http: {addr: '127.0.0.1:${port}', secret: x}`,
      ].join('\n'),
    );
    const hawser = new URL('../bin/run.js', import.meta.url).pathname;
    const command =
      this.kind === 'hawser'
        ? [process.execPath, hawser, 'registry', 'serve', config]
        : ['docker-registry', 'serve', config];
    const [program = '', ...args] = command;
    const started = performance.now();
    this.#child = spawn(program, args, { stdio: 'ignore' });
    while ((await send(this.url, 'GET /v2/').catch(() => undefined))?.status !== 200) await delay(2);
    return performance.now() - started;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  }

  /** The most memory that it ever had, in MiB. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }
}

/** Requests a second, and MB a second, of `connections` clients that ask for a path as often as they can. */
async function load(
  url: string,
  path: string,
  connections: number,
): Promise<{ requests: number; megabytes: number }> {
  const accept = `Accept: ${mediaTypes.ociManifest}`;
  const command = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${SECONDS}s`,
    '--timeout',
    '30s',
    '-H',
    accept,
    `${url}/v2/${path}`,
  ];
  const { stdout } = await run(command, { check: true });
  if (/Non-2xx/.test(stdout)) throw new Error(`${path}: ${stdout}`);
  const unit =
    { B: 1e-6, KB: 1 / 1000, MB: 1, GB: 1000 }[/Transfer\/sec:\s+[\d.]+(\w+)/.exec(stdout)?.[1] ?? ''] ??
    Number.NaN;
  return {
    requests: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    megabytes: Number(/Transfer\/sec:\s+([\d.]+)/.exec(stdout)?.[1]) * unit,
  };
}

/** MB a second that `clients` push at once, each blob a new one, each client `count` of them. */
async function pushRate(
  url: string,
  { size, clients, count }: { readonly size: number; readonly clients: number; readonly count: number },
): Promise<number> {
  const blobs = Array.from({ length: clients * count }, () => randomBytes(size));
  const digests = blobs.map(blob => digestOf(blob));
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let index = next++; index < blobs.length; index = next++) {
        await pushBlob(url, 'pushed', blobs[index] ?? '', digests[index]);
      }
    }),
  );
  return (blobs.length * size) / 1e6 / ((performance.now() - started) / 1000);
}

interface Question {
  readonly title: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly isRate: boolean;
  readonly answer: (contender: Contender) => Promise<number>;
}

const questions: readonly Question[] = [
  {
    title: 'GET of a blob of 1 MB, 8 clients',
    unit: 'requests/s',
    isRate: true,
    answer: async ({ url }) => (await load(url, `a/blobs/${digestOf(small)}`, 8)).requests,
  },
  {
    title: 'GET of a blob of 100 MB, 4 clients',
    unit: 'MB/s',
    isRate: true,
    answer: async ({ url }) => (await load(url, `a/blobs/${digestOf(large)}`, 4)).megabytes,
  },
  {
    title: 'PUT of blobs of 1 MB, 8 clients',
    unit: 'MB/s',
    isRate: true,
    answer: ({ url }) => pushRate(url, { size: 1 << 20, clients: 8, count: 16 }),
  },
  {
    title: 'PUT of blobs of 64 MB, 2 clients',
    unit: 'MB/s',
    isRate: true,
    answer: ({ url }) => pushRate(url, { size: 64 << 20, clients: 2, count: 2 }),
  },
  {
    title: 'GET of a manifest by tag, 8 clients',
    unit: 'requests/s',
    isRate: true,
    answer: async ({ url }) => (await load(url, 'a/manifests/latest', 8)).requests,
  },
  {
    title: `page of 100 of ${TAGS} tags, 8 clients`,
    unit: 'requests/s',
    isRate: true,
    answer: async ({ url }) => (await load(url, 'tags/tags/list?n=100&last=t04999', 8)).requests,
  },
  {
    title: `all ${TAGS} tags, 8 clients`,
    unit: 'requests/s',
    isRate: true,
    answer: async ({ url }) => (await load(url, 'tags/tags/list', 8)).requests,
  },
  {
    title: 'memory, 32 pulls of 100 MB at once',
    unit: 'MiB',
    isRate: false,
    async answer(contender) {
      await contender.stop();
      await contender.start();
      await load(contender.url, `a/blobs/${digestOf(large)}`, 32);
      return await contender.peakMemory();
    },
  },
  {
    title: 'start until it answers',
    unit: 'ms',
    isRate: false,
    async answer(contender) {
      await contender.stop();
      return await contender.start();
    },
  },
];

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function fill({ url, volume }: Contender): Promise<void> {
  for (const name of ['a', 'tags']) {
    for (const blob of [small, large]) await pushBlob(url, name, blob);
    await pushManifest(url, name, { reference: 'latest', manifest: image });
  }
  // As both lay tags down; to push them all takes longer than the questions.
  const digest = digestOf(JSON.stringify(image));
  const tags = join(volume, 'docker/registry/v2/repositories/tags/_manifests/tags');
  for (let index = 0; index < TAGS; index++) {
    const tag = join(tags, `t${String(index).padStart(5, '0')}`);
    for (const folder of ['current', `index/${digest.replace(':', '/')}`]) {
      mkdirSync(join(tag, folder), { recursive: true });
      writeFileSync(join(tag, folder, 'link'), digest);
    }
  }
}

for (const program of ['docker-registry', 'wrk']) {
  if (spawnSync(program, ['--version']).error === undefined) continue;
  throw new Error(`${program} is not installed: apt-get install ${program}`);
}
const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'));
const contenders = [new Contender('hawser', folder), new Contender('docker-registry', folder)];
const only = process.argv[2] ?? '';
try {
  for (const contender of contenders) {
    await contender.start();
    await fill(contender);
  }
  console.log(`median of ${ROUNDS} rounds in turn; more is better for rates, less for memory and time\n`);
  console.log(`  ${''.padEnd(40)} ${'hawser'.padStart(10)} ${'registry:2'.padStart(10)}  hawser has`);
  for (const { title, unit, answer } of questions.filter(question => question.title.includes(only))) {
    const values = contenders.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, contender] of contenders.entries()) values[index]?.push(await answer(contender));
    }
    const [own = Number.NaN, peer = Number.NaN] = values.map(median);
    const columns = [own, peer].map(value => value.toFixed(value < 100 ? 1 : 0).padStart(10)).join(' ');
    console.log(`  ${title.padEnd(40)} ${columns}  ${(own / peer).toFixed(2)} × (${unit})`);
  }
} finally {
  for (const contender of contenders) await contender.stop();
  await rm(folder, { recursive: true, force: true });
}
