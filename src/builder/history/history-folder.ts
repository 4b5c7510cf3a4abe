import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';
import { isRunning } from '../../util/process-identity.ts';
import type { RecordHead } from './record-events.ts';

const suffix = '.jsonl';

/** How much is kept: the oldest builds go first, and the newest stays whatever its size. */
export const historyBounds = { builds: 200, bytes: 512 * 1024 * 1024 };

/** `$HAWSER_ROOT/build-history` */
export function historyFolder(root: string): string {
  return join(root, 'build-history');
}

export function recordPath(folder: string, id: string): string {
  return join(folder, id + suffix);
}

/** The builds, the oldest first: an id begins with its time. */
export function buildIDs(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith(suffix))
      .map(name => name.slice(0, -suffix.length))
      .sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The id of a build: of the last one for none, of the nth before it for `^n`, or the only one that begins so.
 *
 * @throws HawserError NOT_FOUND, INVALID_ARGUMENT for a beginning of several
 */
export function findBuild(folder: string, wanted: string | undefined): string {
  const ids = buildIDs(folder);
  const before = /^\^(\d*)$/.exec(wanted ?? '^0');
  if (before !== null) {
    const found = ids.at(-1 - Number(before[1] === '' ? 1 : before[1]));
    if (found !== undefined) return found;
    const what = ids.length === 0 ? 'no build is recorded' : `there are only ${ids.length} builds`;
    throw new HawserError('NOT_FOUND', what, { remedy: 'See hawser builder history.' });
  }
  const text = wanted ?? '';
  const found = ids.filter(id => id.startsWith(text));
  if (found.length === 1 && text !== '') return found[0] as string;
  if (found.length > 1) {
    throw new HawserError('INVALID_ARGUMENT', `${found.length} builds begin with ${JSON.stringify(text)}`, {
      remedy: `Give more of the id, e.g. ${found.at(-1)}.`,
    });
  }
  const near = nearest(text, ids);
  throw new HawserError('NOT_FOUND', `no build ${JSON.stringify(text)} is recorded`, {
    remedy: near === undefined ? 'See hawser builder history.' : `Did you mean ${near}?`,
  });
}

export function removeBuild(folder: string, id: string): void {
  rmSync(recordPath(folder, id), { force: true });
}

/** Removes what is over the bounds; builds that still run stay. @param options.measure also looks at sizes */
export function keepBounds(
  folder: string,
  options: { readonly measure: boolean },
  bounds = historyBounds,
): void {
  const ids = buildIDs(folder).toReversed();
  let bytes = 0;
  for (const [index, id] of ids.entries()) {
    if (options.measure) bytes += sizeOf(recordPath(folder, id));
    const isOver = index >= bounds.builds || bytes > bounds.bytes;
    if (index > 0 && isOver && !isRecording(recordPath(folder, id))) removeBuild(folder, id);
  }
}

/** 0 where another process has removed it meanwhile. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether the build of a file is under way: told by its first line, and its process. */
export function isRecording(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    const start = Buffer.alloc(16_384);
    const text = start.toString('utf8', 0, readSync(descriptor, start, 0, start.length, 0));
    const { pid, processStart } = JSON.parse(text.split('\n', 1)[0] ?? '') as RecordHead;
    return isRunning({ pid, start: processStart });
  } catch (error) {
    if (error instanceof SyntaxError) return false; // cut by a kill
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
