import type { Digest } from '../image/digest.ts';
import type { ExploredImage, ExploredLayer } from '../layers/explore-image.ts';
import { humanSize } from './human.ts';
import { formatTable } from './table.ts';

/** Per cent of the content in all layers that the image shows. */
function efficiency({ content, waste }: ExploredImage): number {
  const all = content + waste;
  return all === 0 ? 100 : Math.round((1000 * content) / all) / 10;
}

export function exploreJson(image: ExploredImage, id: Digest): string {
  const { layers, wasted, content, waste } = image;
  return JSON.stringify({ id, content, waste, efficiency: efficiency(image), layers, wasted });
}

/** A table of the layers, the lowest first, and the files that cost the most for nothing. */
export function exploreLines(image: ExploredImage, options: { readonly whole: boolean }): readonly string[] {
  const short = (text: string) => (options.whole || text.length <= 60 ? text : `${text.slice(0, 59)}…`);
  const row = (layer: ExploredLayer) => [
    String(layer.number),
    options.whole ? layer.digest : layer.digest.slice(7, 19),
    String(layer.files),
    humanSize(layer.content),
    humanSize(layer.storedSize),
    layer.waste === 0 ? '-' : humanSize(layer.waste),
    short(layer.createdBy),
  ];
  const lines = formatTable(
    ['#', 'LAYER', 'FILES', 'CONTENT', 'STORED', 'WASTE', 'CREATED BY'],
    image.layers.map(row),
  );
  const { content, waste, wasted } = image;
  lines.push(
    '',
    `${humanSize(content)} in files, ${humanSize(waste)} wasted: ${efficiency(image)} % of what is stored is seen.`,
  );
  if (wasted.length === 0) return lines;
  const shown = options.whole ? wasted : wasted.slice(0, 10);
  lines.push('');
  const files = shown.map(file => [
    humanSize(file.size),
    String(file.layer),
    String(file.hiddenBy),
    /\p{Cc}/u.test(file.path) ? JSON.stringify(file.path) : file.path,
  ]);
  lines.push(...formatTable(['WASTE', 'IN LAYER', 'HIDDEN BY', 'PATH'], files));
  if (shown.length < wasted.length) lines.push(`and ${wasted.length - shown.length} more: see --no-trunc`);
  return lines;
}
