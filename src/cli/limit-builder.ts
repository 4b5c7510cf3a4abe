import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayoutStore } from '../content/store.ts';
import { HawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import type { Roots } from '../util/roots.ts';
import { buildCacheRoot } from './builder-usage.ts';
import { pruneBuilder } from './prune-builder.ts';
import { parseSize } from './size-and-time.ts';

/** @throws HawserError INVALID_ARGUMENT naming the variable */
export function parseKeepStorage(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw new HawserError('INVALID_ARGUMENT', `HAWSER_BUILDER_KEEP_STORAGE: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Prunes what builds keep down to `limit` bytes, the longest unused first; nothing where no step was added since it did so
 * last. `build-cache/limited` notes that.
 */
export async function limitBuilder(
  roots: Roots,
  store: LayoutStore,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<void> {
  const root = buildCacheRoot(roots);
  const stamp = join(root, 'limited');
  const added = statSync(join(root, 'steps'), { throwIfNoEntry: false })?.mtimeMs;
  const state = `${limit} ${added}\n`;
  if (added === undefined || (await textOf(stamp)) === state) return;
  await pruneBuilder(roots, store, { all: false, limits: { reserved: limit }, signal });
  const left = statSync(join(root, 'steps'), { throwIfNoEntry: false })?.mtimeMs;
  await writeFileAtomic(stamp, `${limit} ${left}\n`, { durable: false });
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
