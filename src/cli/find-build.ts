import { findBuild, historyFolder, recordPath } from '../builder/history/history-folder.ts';
import { type BuildRecord, readRecord } from '../builder/history/read-record.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Roots } from '../util/roots.ts';

/** The file of a build that was named as `findBuild` takes it. @throws HawserError NOT_FOUND, INVALID_ARGUMENT */
export function findRecordFile(roots: Roots, wanted: string | undefined): string {
  const folder = historyFolder(roots.root);
  return recordPath(folder, findBuild(folder, wanted));
}

/** @throws HawserError NOT_FOUND, INVALID_ARGUMENT */
export async function loadBuild(roots: Roots, wanted: string | undefined): Promise<BuildRecord> {
  const record = await readRecord(findRecordFile(roots, wanted));
  if (record !== undefined) return record;
  throw new HawserError('NOT_FOUND', 'nothing of the build was recorded before it was killed');
}
