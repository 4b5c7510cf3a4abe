import { HawserError } from '../errors/hawser-error.ts';
import type { LayerRange } from './merge-layers.ts';
import type { StackLayer } from './unpack-image.ts';

/**
 * A layer as a user names it: its number from the lowest, 1, or digits of its digest or diffID, 4 at least.
 *
 * @returns its index, from 0
 * @throws HawserError INVALID_ARGUMENT
 */
function parseLayer(text: string, layers: readonly StackLayer[]): number {
  const remedy = 'hawser image explore IMAGE shows the layers, with their numbers and digests.';
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= layers.length) return number - 1;
    throw new HawserError('INVALID_ARGUMENT', `no layer ${text}: the image has ${layers.length}`, { remedy });
  }
  const digits = /^(?:sha256:|sha512:)?([0-9a-f]{4,128})$/.exec(text)?.[1];
  const found = layers.flatMap(({ descriptor, diffID }, index) =>
    digits !== undefined && [descriptor.digest, diffID].some(digest => digest.slice(7).startsWith(digits))
      ? [index]
      : [],
  );
  if (found.length === 1) return found[0] as number;
  const what = found.length === 0 ? 'no layer' : `${found.length} layers match`;
  throw new HawserError('INVALID_ARGUMENT', `${what} ${JSON.stringify(text)}`, { remedy });
}

/**
 * The layers that `--from` and `--to` mean; without them all.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseLayerRange(
  layers: readonly StackLayer[],
  ends: { readonly from?: string | undefined; readonly to?: string | undefined },
): LayerRange {
  const from = ends.from === undefined ? 0 : parseLayer(ends.from, layers);
  const to = ends.to === undefined ? layers.length - 1 : parseLayer(ends.to, layers);
  if (from <= to) return { from, to };
  throw new HawserError('INVALID_ARGUMENT', `--from is layer ${from + 1}, above --to, layer ${to + 1}`, {
    remedy: 'Layers count from the lowest: exchange the two.',
  });
}
