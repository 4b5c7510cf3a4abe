import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { Digester } from '../image/digest.ts';
import { TarParser } from '../tar/parser.ts';
import type { AppliedLayer, ApplyLimits, LayerSource } from './apply.ts';
import { LayerApplier, type WhiteoutMode } from './apply-tree.ts';
import { forEachPlainChunk } from './compression-file.ts';

export interface ApplyJob {
  readonly source: LayerSource;
  readonly root: string;
  readonly whiteouts: WhiteoutMode;
  readonly limits: ApplyLimits;
  readonly diffID: Digest | undefined;
}

const defaultMaxSize = 128 * 1024 ** 3;
const defaultMaxEntries = 10_000_000;

function layerError(error: unknown): unknown {
  if (!isHawserError(error, 'TAR_INVALID')) return error;
  return new HawserError('LAYER_INVALID', `the layer is no valid archive: ${error.message}`, {
    cause: error,
  });
}

/** What `applyLayer` does, in the calling thread. */
export async function runApplyJob({
  source,
  root,
  whiteouts,
  limits,
  diffID,
}: ApplyJob): Promise<AppliedLayer> {
  const maxSize = limits.maxSize ?? defaultMaxSize;
  const applier = new LayerApplier(root, { whiteouts, isPrivileged: process.geteuid?.() === 0 });
  const parser = new TarParser(applier, { maxSize, maxEntries: limits.maxEntries ?? defaultMaxEntries });
  const digester = new Digester(diffID?.startsWith('sha512:') === true ? 'sha512' : 'sha256');
  let size = 0;
  try {
    await forEachPlainChunk(source, chunk => {
      size += chunk.length;
      if (size > maxSize) throw new HawserError('LAYER_INVALID', `the layer is larger than ${maxSize} bytes`);
      digester.update(chunk);
      parser.write(chunk);
    });
    parser.finish();
    const found = digester.digest();
    if (diffID !== undefined && found !== diffID) {
      throw new HawserError(
        'DIGEST_INVALID',
        `the layer's content is ${found}, and not ${diffID} as announced`,
      );
    }
    applier.finish();
    return { diffID: found, size, entries: applier.entries, skipped: applier.skipped };
  } catch (error) {
    throw layerError(error);
  } finally {
    applier.abandon();
  }
}
