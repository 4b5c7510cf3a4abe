// How long do builds take? hawser beside BuildKit (inside Debian's dockerd) and buildah:
// a fully cached rebuild, 20 trivial RUN steps, a COPY of 4,000 files and 90 MB. `npm run bench:build`
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../test/e2e/support/run.ts';
import { type Contender, compare } from './support/measure.ts';
import { type Peers, startPeers } from './support/peers.ts';

async function writeContext(folder: string, dockerfile: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
}

async function writeTree(folder: string, files: number, bytes: number): Promise<void> {
  const size = Math.floor(bytes / files);
  for (let index = 0; index < files; index++) {
    const target = join(folder, `d${index % 100}`);
    if (index < 100) await mkdir(target, { recursive: true });
    // Half random, half zeros: neither free to compress nor incompressible.
    await writeFile(
      join(target, `f${index}`),
      Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2)]),
    );
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

function builders(peers: Peers, context: string, options: { readonly cached: boolean }): Contender[] {
  const prepare = (name: keyof typeof forget) =>
    options.cached ? {} : { prepare: () => forget[name](peers) };
  const build = ['-q', '-t', 'b', context];
  const buildah = ['bud', '--layers', '--runtime', '/usr/sbin/runc', ...build];
  return [
    {
      name: 'hawser',
      env: peers.hawser.env,
      ...prepare('hawser'),
      command: () => peers.hawserCommand('image', 'build', ...build),
    },
    {
      name: 'BuildKit',
      env: peers.dockerEnv,
      ...prepare('docker'),
      command: () => peers.dockerCommand('build', ...build),
    },
    { name: 'buildah', ...prepare('buildah'), command: () => peers.buildahCommand(...buildah) },
  ];
}

const peers = await startPeers();
try {
  const steps = join(peers.folder, 'steps');
  const runs = Array.from({ length: 20 }, (_, index) => `RUN echo ${index}\n`).join('');
  await writeContext(steps, `FROM bench-base\n${runs}`);
  const copy = join(peers.folder, 'copy');
  await writeContext(copy, 'FROM bench-base\nCOPY tree /tree\n');
  await writeTree(join(copy, 'tree'), 4000, 90e6);
  const both = join(peers.folder, 'both');
  await writeContext(both, `FROM bench-base\nCOPY tree /tree\n${runs}CMD ["true"]\n`);
  await writeTree(join(both, 'tree'), 400, 9e6);
  await compare('fully cached rebuild: COPY of 400 files, 20 RUN', builders(peers, both, { cached: true }));
  await compare('20 × RUN echo, cold', builders(peers, steps, { cached: false }), 3);
  await compare('COPY of 4,000 files, 90 MB, cold', builders(peers, copy, { cached: false }), 3);
} finally {
  await peers.stop();
}
