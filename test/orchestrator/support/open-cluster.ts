import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openLayoutStore } from '../../../src/content/layout-store.ts';
import type { LayoutStore } from '../../../src/content/store.ts';
import { openSnapshotter } from '../../../src/layers/open-snapshotter.ts';
import { enginePodRuntime } from '../../../src/orchestrator/node-agent/engine-pod-runtime.ts';
import { type RunningCluster, serveCluster } from '../../../src/orchestrator/serve-cluster.ts';
import { openLmdbStore } from '../../../src/orchestrator/store/lmdb-store.ts';
import { createMemoryStore } from '../../../src/orchestrator/store/memory-store.ts';
import { type ContainerEngine, openContainerEngine } from '../../../src/runtime/container-engine.ts';
import { cleanupCommand } from '../../runtime/support/engine.ts';
import { addBusyboxImage } from './busybox-image.ts';

export type StoreKind = 'memory' | 'lmdb';

export interface OpenedCluster {
  readonly cluster: RunningCluster;
  readonly engine: ContainerEngine;
  readonly images: LayoutStore;
  /** What the cluster had to say beside the API. */
  readonly log: readonly string[];
}

/** A cluster on a free port over `folder`/root and `folder`/run, whose images know `busybox:1`. */
export async function openCluster(folder: string, kind: StoreKind): Promise<OpenedCluster> {
  const root = join(folder, 'root');
  const run = join(folder, 'run');
  const isNew = !existsSync(join(root, 'images'));
  const images = await openLayoutStore(join(root, 'images'), { state: join(root, 'images-state') });
  if (isNew) await addBusyboxImage(images, 'busybox:1');
  const snapshotter = await openSnapshotter({ root: join(root, 'snapshots'), run });
  const engine = await openContainerEngine({ root, run, snapshotter, cleanupCommand, env: process.env });
  const log: string[] = [];
  const cluster = await serveCluster({
    root,
    store: kind === 'lmdb' ? await openLmdbStore(join(root, 'cluster', 'store')) : createMemoryStore(),
    runtime: enginePodRuntime(engine, images),
    port: 0,
    nodeName: 'test-node',
    log: line => log.push(line),
  });
  return { cluster, engine, images, log };
}
