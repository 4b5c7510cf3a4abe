import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobFiles, BlobInfo, BlobReader } from '../content/store.ts';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { isDigest } from '../image/digest.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';

/*
 * Which blob came of layers by work that need not be done twice: `KIND/NAME.json` beside the folder of the store's
 * temporary files. A hint only: where the blob is gone, the work is done again.
 */

export interface MemoKey {
  readonly kind: 'compressed' | 'merged';
  /** Tells all that the result depends on. */
  readonly name: string;
}

/** More that is worth keeping, e.g. a number of entries. */
type Facts = Readonly<Record<string, number>>;

async function memoPath(store: BlobFiles, { kind, name }: MemoKey): Promise<string> {
  return join(dirname(dirname(await store.temporaryPath())), kind, `${name}.json`);
}

/** The blob, where the store has it. */
export async function readMemo(
  store: BlobReader & BlobFiles,
  key: MemoKey,
): Promise<(BlobInfo & { readonly facts: Facts }) | undefined> {
  let text: string;
  try {
    text = await readFile(await memoPath(store, key), 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const { digest, size, facts } = parseMemo(text);
  if (digest === undefined || !isDigest(digest)) return undefined;
  const found = await store.stat(digest);
  return found === undefined || found.size !== size ? undefined : { digest, size, facts: facts ?? {} };
}

function parseMemo(text: string): {
  readonly digest?: string;
  readonly size?: number;
  readonly facts?: Facts;
} {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // as good as none: it is written anew
  }
}

export async function writeMemo(
  store: BlobFiles,
  key: MemoKey,
  { digest, size, facts }: BlobInfo & { readonly facts?: Facts },
): Promise<void> {
  await writeFileAtomic(await memoPath(store, key), `${JSON.stringify({ digest, size, facts })}\n`, {
    durable: false,
  });
}
