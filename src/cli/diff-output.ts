import type { ImageConfig } from '../image/config.ts';
import type { TreeChange } from '../layers/compare-trees.ts';
import type { TreeFile } from '../layers/image-tree.ts';
import { layerSteps } from '../layers/layer-steps.ts';
import { textOf } from '../util/byte-string.ts';

interface FileFacts {
  readonly Type: string;
  /** Octal. */
  readonly Mode: string;
  readonly Owner: string;
  readonly Size: number;
  readonly Time: string;
  readonly Target?: string;
}

interface DiffRow {
  readonly Kind: 'A' | 'C' | 'D';
  readonly Path: string;
  readonly What: readonly string[];
  /** From 1; of the second image, for what is removed of the first. 0 for a folder that no layer tells of. */
  readonly Layer: number;
  readonly CreatedBy: string;
  readonly Before?: FileFacts;
  readonly After?: FileFacts;
}

function factsOf({ entry }: TreeFile): FileFacts | undefined {
  if (entry === undefined) return undefined;
  const { type, mode, uid, gid, size, mtime, linkname } = entry;
  // No date holds times beyond this.
  const milliseconds = Math.min(Math.max(mtime.seconds * 1000, -8.64e15), 8.64e15);
  return {
    Type: type,
    Mode: mode.toString(8).padStart(4, '0'),
    Owner: `${uid}:${gid}`,
    Size: size,
    Time: new Date(milliseconds).toISOString().replace('.000', ''),
    ...(type === 'symlink' ? { Target: textOf(linkname) } : {}),
  };
}

/** Sorted by layer: those of the second image first, by number, then what the first had. */
export function* diffRows(
  changes: readonly TreeChange[],
  configs: { readonly before: ImageConfig; readonly after: ImageConfig },
): Generator<DiffRow, void> {
  const steps = { before: layerSteps(configs.before), after: layerSteps(configs.after) };
  const sorted = [...changes].sort(
    (left, right) => groupOf(left) - groupOf(right) || layerOf(left) - layerOf(right),
  );
  for (const change of sorted) {
    const { kind, path, what, before, after } = change;
    const layer = layerOf(change);
    const [old, now] = [before && factsOf(before), after && factsOf(after)];
    yield {
      Kind: kind,
      Path: `/${textOf(path)}`,
      What: what,
      Layer: layer + 1,
      CreatedBy: (after === undefined ? steps.before : steps.after)[layer] ?? '',
      ...(old === undefined ? {} : { Before: old }),
      ...(now === undefined ? {} : { After: now }),
    };
  }
}

function groupOf({ kind }: TreeChange): number {
  return kind === 'D' ? 1 : 0;
}

function layerOf({ before, after }: TreeChange): number {
  return (after ?? before)?.layer ?? -1;
}

function changeText(what: string, before: FileFacts, after: FileFacts): string {
  const fields: Readonly<Record<string, keyof FileFacts>> = {
    type: 'Type',
    mode: 'Mode',
    owner: 'Owner',
    size: 'Size',
    time: 'Time',
    target: 'Target',
  };
  const field = fields[what];
  return field === undefined ? what : `${what} ${before[field]} → ${after[field]}`;
}

/** A heading for each layer, and a line for each path below it. */
export function* diffLines(rows: Iterable<DiffRow>): Generator<string, void> {
  let heading = '';
  for (const row of rows) {
    const where = row.Kind === 'D' ? 'removed from' : 'in';
    const next = `${where} layer ${row.Layer}${row.CreatedBy === '' ? '' : `: ${row.CreatedBy}`}`;
    if (next !== heading) yield heading === '' ? next : `\n${next}`;
    heading = next;
    const { Before: before, After: after } = row;
    const what =
      before === undefined || after === undefined
        ? row.What
        : row.What.map(name => changeText(name, before, after));
    // A name may hold a line break: it must not make a line of its own.
    const path = /\p{Cc}/u.test(row.Path) ? JSON.stringify(row.Path) : row.Path;
    yield `${row.Kind} ${path}${what.length === 0 ? '' : `   (${what.join(', ')})`}`;
  }
}
