import type { ImageConfig } from '../image/config.ts';
import { wholeHistory } from './merge-image.ts';

/** For each layer, from the lowest, the instruction that made it as its history tells it; empty where it does not. */
export function layerSteps(config: ImageConfig): readonly string[] {
  return wholeHistory(config)
    .filter(entry => entry.empty_layer !== true)
    .map(({ created_by = '' }) =>
      created_by
        .replace(/^\/bin\/sh -c #\(nop\)\s+/, '')
        .replace(/^(?:\|\d+ .*? )?\/bin\/sh -c /, 'RUN ')
        .replace(/^RUN \/bin\/sh -c /, 'RUN ')
        .replaceAll(/\s+/g, ' ')
        .replace(/ # buildkit$/, '')
        .trim(),
    );
}
