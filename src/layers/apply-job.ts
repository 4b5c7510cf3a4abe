import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { Digester } from '../image/digest.ts';
import { TarParser } from '../tar/parser.ts';
import { ownIdMap } from '../util/user-namespace.ts';
import type { AppliedLayer, ApplyLimits } from './apply.ts';
import { LayerApplier, type WhiteoutMode } from './apply-tree.ts';
import { forEachPlainChunk, type LayerSource } from './compression-file.ts';

export interface ApplyJob {
  readonly source: LayerSource;
  readonly root: string;
  readonly whiteouts: WhiteoutMode;
  readonly limits: ApplyLimits;
  readonly diffID: Digest | undefined;
  /** Whether to hash; where another thread does, the `diffID` of the result is `job.diffID` or meaningless. */
  readonly digest: boolean;
}

/** @throws HawserError DIGEST_INVALID */
export function checkDiffID(found: Digest, expected: Digest | undefined): void {
  if (expected !== undefined && found !== expected) {
    throw new HawserError(
      'DIGEST_INVALID',
      `the layer's content is ${found}, and not ${expected} as announced`,
    );
  }
}

export const defaultMaxSize = 128 * 1024 ** 3;
export const defaultMaxEntries = 10_000_000;

export function layerError(error: unknown): unknown {
  if (!isHawserError(error, 'TAR_INVALID')) return error;
  return new HawserError('LAYER_INVALID', `the layer is no valid archive: ${error.message}`, {
    cause: error,
  });
}

/** What `applyLayer` does, in the calling thread. */
export async function runApplyJob(job: ApplyJob): Promise<AppliedLayer> {
  const { source, root, whiteouts, limits, diffID, digest } = job;
  const maxSize = limits.maxSize ?? defaultMaxSize;
  const applier = new LayerApplier(root, {
    whiteouts,
    isPrivileged: process.geteuid?.() === 0 && ownIdMap() !== 'one',
  });
  const parser = new TarParser(applier, { maxSize, maxEntries: limits.maxEntries ?? defaultMaxEntries });
  const digester = new Digester(diffID?.startsWith('sha512:') === true ? 'sha512' : 'sha256');
  let size = 0;
  try {
    await forEachPlainChunk(source, chunk => {
      size += chunk.length;
      if (size > maxSize) throw new HawserError('LAYER_INVALID', `the layer is larger than ${maxSize} bytes`);
      if (digest) digester.update(chunk);
      parser.write(chunk);
    });
    parser.finish();
    const found = digester.digest();
    if (digest) checkDiffID(found, diffID);
    applier.finish();
    return { diffID: found, size, entries: applier.entries, skipped: applier.skipped };
  } catch (error) {
    throw layerError(error);
  } finally {
    applier.abandon();
  }
}
