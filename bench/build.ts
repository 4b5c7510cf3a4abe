// How long do builds take? hawser beside BuildKit (inside Debian's dockerd) and buildah. `npm run bench:build [-- CASE…]`
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../test/e2e/support/run.ts';
import { type Contender, compare } from './support/measure.ts';
import { type Peers, startPeers } from './support/peers.ts';

async function writeTree(folder: string, files: number, bytes: number): Promise<void> {
  const half = Math.floor(bytes / files / 2);
  for (let index = 0; index < files; index++) {
    const target = join(folder, `d${index % 100}`);
    if (index < 100) await mkdir(target, { recursive: true });
    // Half random, half zeros: neither free to compress nor incompressible.
    await writeFile(join(target, `f${index}`), Buffer.concat([randomBytes(half), Buffer.alloc(half)]));
  }
}

/** What makes the next build of `b` a first one: neither its result nor its cache nor what it knows of the context stays. */
const forget = {
  async hawser({ hawser }: Peers) {
    await hawser.try(['image', 'rm', '-f', 'b']);
    await hawser.hawser('image', 'prune', '--force');
    await rm(join(hawser.root, 'build-cache'), { recursive: true, force: true });
  },
  async docker({ docker }: Peers) {
    await docker.try('rmi', '-f', 'b');
    await docker.docker('builder', 'prune', '-af');
  },
  async buildah(peers: Peers) {
    await run(peers.buildahCommand('rmi', '-f', 'b'));
  },
};

interface Case {
  readonly title: string;
  readonly rounds: number;
  readonly dockerfile: string;
  /** Files of `tree/`, and the bytes of them all. */
  readonly tree?: readonly [files: number, bytes: number];
  /** What a round begins with; default nothing is known. */
  readonly known?: 'all' | 'all but one file';
}

const runs = Array.from({ length: 20 }, (_, index) => `RUN echo ${index}\n`).join('');
const stages = ['a', 'b', 'c', 'd'];

const cases: Readonly<Record<string, Case>> = {
  cached: {
    title: 'fully cached rebuild: COPY of 400 files, 20 RUN',
    rounds: 9,
    dockerfile: `COPY tree /tree\n${runs}CMD ["true"]\n`,
    tree: [400, 9e6],
    known: 'all',
  },
  steps: { title: '20 × RUN echo, cold', rounds: 3, dockerfile: runs },
  copy: {
    title: 'COPY of 4,000 files, 90 MB, cold',
    rounds: 5,
    dockerfile: 'COPY tree /tree\n',
    tree: [4000, 90e6],
  },
  changed: {
    title: 'COPY of 4,000 files, 90 MB, one of them changed',
    rounds: 5,
    dockerfile: 'COPY tree /tree\n',
    tree: [4000, 90e6],
    known: 'all but one file',
  },
  stages: {
    title: 'four stages of 1 s, side by side',
    rounds: 3,
    dockerfile: [
      ...stages.map(name => `FROM bench-base AS ${name}\nRUN sleep 1 && echo ${name} > /${name}\n`),
      'FROM bench-base\n',
      ...stages.map(name => `COPY --from=${name} /${name} /\n`),
    ].join(''),
  },
  written: {
    title: '300 MB written by a RUN',
    rounds: 3,
    dockerfile: 'RUN dd if=/dev/zero of=/big bs=1M count=300\n',
  },
  context: {
    title: 'COPY of 100,000 files, cold',
    rounds: 1,
    dockerfile: 'COPY tree /tree\n',
    tree: [100_000, 20e6],
  },
};

function contenders(peers: Peers, context: string, known: Case['known']): readonly Contender[] {
  const prepare = (name: keyof typeof forget) => async () => {
    if (known === undefined) await forget[name](peers);
    if (known === 'all but one file') await writeFile(join(context, 'tree/d0/f0'), randomBytes(20_000));
  };
  const build = ['-q', '-t', 'b', context];
  const buildah = ['bud', '--layers', '--runtime', '/usr/sbin/runc', ...build];
  return [
    {
      name: 'hawser',
      env: peers.hawser.env,
      prepare: prepare('hawser'),
      command: () => peers.hawserCommand('image', 'build', ...build),
    },
    {
      name: 'BuildKit',
      env: peers.dockerEnv,
      prepare: prepare('docker'),
      command: () => peers.dockerCommand('build', ...build),
    },
    { name: 'buildah', prepare: prepare('buildah'), command: () => peers.buildahCommand(...buildah) },
  ];
}

const wanted = process.argv.slice(2);
const peers = await startPeers();
try {
  for (const [name, { title, rounds, dockerfile, tree, known }] of Object.entries(cases)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const context = join(peers.folder, name);
    await mkdir(context, { recursive: true });
    const text = dockerfile.startsWith('FROM') ? dockerfile : `FROM bench-base\n${dockerfile}`;
    await writeFile(join(context, 'Dockerfile'), text);
    if (tree !== undefined) await writeTree(join(context, 'tree'), ...tree);
    await compare(title, contenders(peers, context, known), rounds);
    await rm(context, { recursive: true, force: true });
  }
} finally {
  await peers.stop();
}
