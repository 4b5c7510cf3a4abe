import { existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { cleanupContainer } from './cleanup-container.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import {
  bundleFolder,
  containerFolder,
  containerIDs,
  readRecord,
  readRecords,
  snapshotKeyOf,
} from './container-store.ts';
import { leaveToCleanup } from './restart-ended.ts';
import { wantsRestart } from './restart-policy.ts';

/** Cleans up after containers whose conmon or cleanup was killed, and after creates that did not finish. */
export async function sweepContainers(engine: ContainerEngine): Promise<void> {
  for (const record of readRecords(engine)) {
    if (wantsRestart(engine, record)) {
      leaveToCleanup(engine, record.id);
      continue;
    }
    const left = existsSync(bundleFolder(engine, record.id)) || record.request.autoRemove === true;
    if (left && stateOf(engine, record.id).status === 'exited') await cleanupContainer(engine, record.id);
  }
  for (const id of containerIDs(engine)) {
    if (readRecord(engine, id) !== undefined) continue;
    // A create holds its folder for a moment before the record is there.
    await sweepUnfinished(engine, id);
  }
}

/** Milliseconds after which a folder without a record is a create that died. */
const CREATE_TIME = 60_000;

async function sweepUnfinished(engine: ContainerEngine, id: string): Promise<void> {
  const folder = containerFolder(engine, id);
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || Date.now() - stat.mtimeMs < CREATE_TIME) return;
  await (await engine.snapshotter.find(snapshotKeyOf(id)))?.discard();
  await rm(folder, { recursive: true, force: true });
}
