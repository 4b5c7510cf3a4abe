import { join } from 'node:path';
import { openSnapshotter } from '../../../src/layers/open-snapshotter.ts';
import { cleanupContainer } from '../../../src/runtime/cleanup-container.ts';
import { openContainerEngine } from '../../../src/runtime/container-engine.ts';

/** Stands for `hawser container cleanup ID`, which conmon runs. */
const { HAWSER_ROOT: root = '', HAWSER_RUN: run = '' } = process.env;
const snapshotter = await openSnapshotter({ root: join(root, 'snapshots'), run });
const engine = await openContainerEngine({ root, run, snapshotter, cleanupCommand: [], env: process.env });
await cleanupContainer(engine, process.argv[2] ?? '');
