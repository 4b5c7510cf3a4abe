import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { digestOf } from '../../../src/image/digest.ts';
import { fsOps } from '../../../src/layers/fs-ops.ts';
import { openSnapshotter } from '../../../src/layers/open-snapshotter.ts';
import { type ContainerEngine, openContainerEngine } from '../../../src/runtime/container-engine.ts';
import { listContainers } from '../../../src/runtime/container-state.ts';
import type { ContainerImage } from '../../../src/runtime/container-types.ts';
import { findProgram } from '../../../src/runtime/find-program.ts';
import { removeContainer } from '../../../src/runtime/remove-container.ts';
import { findBusybox, makeBusyboxRootfs } from './busybox.ts';

export interface TestEngine {
  readonly engine: ContainerEngine;
  readonly image: ContainerImage;
  dispose(): Promise<void>;
}

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const cleanup = fileURLToPath(new URL('./cleanup.ts', import.meta.url));

/** conmon starts it in the bundle, which may be gone by then: unlike hawser, tsx hangs in a folder that is gone. */
export const cleanupCommand = ['/usr/bin/env', '-C', '/', process.execPath, '--import', loader, cleanup];

/** What real containers need and this machine lacks; undefined where all is there. */
export function lackingForContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'root';
  if (findBusybox() === undefined) return 'busybox-static';
  return ['runc', 'conmon', 'iptables', 'unshare'].find(name => findProgram(name) === undefined);
}

/** The latest first. */
function mountsBelow(folder: string): readonly string[] {
  const targets = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '');
  return targets.filter(target => target.startsWith(`${folder}/`)).toReversed();
}

/** Containers that a test started and left would outlive it. */
async function removeAll(engine: ContainerEngine): Promise<void> {
  for (const { record } of listContainers(engine)) {
    await removeContainer(engine, record.id, { force: true, volumes: true });
  }
}

/** Removes an engine's containers, and the folder around its roots. */
export async function disposeEngine(engine: ContainerEngine, folder: string): Promise<void> {
  await removeAll(engine);
  for (const target of mountsBelow(folder)) fsOps.unmount(target);
  rmSync(folder, { recursive: true, force: true });
}

/** An engine on a root of its own, with an image made of busybox. */
export async function openTestEngine(
  over: Partial<NonNullable<ContainerImage['config']['config']>> = {},
): Promise<TestEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-runtime-'));
  const root = join(folder, 'root');
  const run = join(folder, 'run');
  const snapshotter = await openSnapshotter({ root: join(root, 'snapshots'), run });
  const chainID = digestOf('busybox');
  const active = await snapshotter.prepare('seed', undefined);
  makeBusyboxRootfs(await active.mount(), findBusybox() ?? '');
  await snapshotter.commit(active, chainID);
  const engine = await openContainerEngine({ root, run, snapshotter, cleanupCommand, env: process.env });
  const config = { Env: ['PATH=/bin', 'FROM_IMAGE=1'], Cmd: ['sh'], WorkingDir: '/', ...over };
  const image: ContainerImage = {
    name: 'busybox:test',
    id: digestOf('config'),
    chainID,
    config: { architecture: 'amd64', os: 'linux', config, rootfs: { type: 'layers', diff_ids: [] } },
  };
  return {
    engine,
    image,
    dispose: () => disposeEngine(engine, folder),
  };
}
