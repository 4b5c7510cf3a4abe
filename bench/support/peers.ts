import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerDaemon } from '../../test/e2e/support/dockerd.ts';
import { run } from '../../test/e2e/support/run.ts';
import { Sandbox } from '../../test/e2e/support/sandbox.ts';

/** hawser, Docker and buildah side by side, each with folders of its own and the same base image `bench-base`. */
export interface Peers {
  readonly folder: string;
  readonly hawser: Sandbox;
  readonly docker: DockerDaemon;
  hawserCommand(...args: string[]): string[];
  dockerCommand(...args: string[]): string[];
  readonly dockerEnv: NodeJS.ProcessEnv;
  buildahCommand(...args: string[]): string[];
  podmanCommand(...args: string[]): string[];
  stop(): Promise<void>;
}

const executable = new URL('../../bin/run.js', import.meta.url).pathname;

/**
 * Memory, where there is some: ext4 steps over every inode that was freed within the last minutes before it gives one out,
 * so that on a disk a round pays for what the rounds before it have removed.
 */
const quietFolder = '/dev/shm';

/** A file system of its own in a sparse file on the disk: what users have, and no other's leftovers on it. */
async function mountFreshDisk(): Promise<() => Promise<void>> {
  // podman takes no longer path than 50 characters.
  const folder = await mkdtemp(join(tmpdir(), 'hbd-'));
  const file = `${folder}.ext4`;
  await run(['truncate', '-s', '24G', file], { check: true });
  await run(['mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file], { check: true });
  await run(['mount', '-o', 'loop', file, folder], { check: true });
  process.env['TMPDIR'] = folder;
  return async () => {
    await run(['umount', '-l', folder], { check: true });
    await rm(folder, { recursive: true });
    await rm(file);
  };
}

/** HAWSER_BENCH_DISK=ext4 asks for the disk, which is slower for all and shows who waits for it. */
async function placeBench(): Promise<() => Promise<void>> {
  if (process.env['HAWSER_BENCH_DISK'] === 'ext4') return mountFreshDisk();
  if (existsSync(quietFolder)) process.env['TMPDIR'] = quietFolder;
  return async () => undefined;
}

export async function startPeers(): Promise<Peers> {
  const unplace = await placeBench();
  for (const program of ['/usr/sbin/dockerd', '/usr/bin/buildah', '/usr/bin/podman', '/usr/bin/busybox']) {
    if (!existsSync(program)) throw new Error(`${program} is missing: npm test installs it`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'));
  const hawser = await Sandbox.create();
  const docker = await DockerDaemon.start();
  const storage = ['--root', join(folder, 'containers'), '--runroot', join(folder, 'run')];
  const peers: Peers = {
    folder,
    hawser,
    docker,
    hawserCommand: (...args) => [process.execPath, executable, ...args],
    dockerCommand: (...args) => ['/usr/bin/docker', ...args],
    dockerEnv: docker.env,
    buildahCommand: (...args) => ['/usr/bin/buildah', ...storage, ...args],
    podmanCommand: (...args) => ['/usr/bin/podman', ...storage, '--runtime', '/usr/sbin/runc', ...args],
    async stop() {
      await docker.stop();
      await hawser.dispose();
      await run(peers.buildahCommand('rm', '-a'));
      await run(['umount', '-l', join(folder, 'containers/overlay')]);
      await rm(folder, { recursive: true, force: true });
      await unplace();
    },
  };
  try {
    await importBase(peers);
  } catch (error) {
    await peers.stop();
    throw error;
  }
  return peers;
}

async function importBase(peers: Peers): Promise<void> {
  await peers.hawser.importBusybox('bench-base:latest');
  const archive = join(peers.hawser.folder, 'busybox.tar');
  await peers.docker.docker('import', archive, 'bench-base:latest');
  await run(peers.podmanCommand('import', archive, 'localhost/bench-base:latest'), { check: true });
}
