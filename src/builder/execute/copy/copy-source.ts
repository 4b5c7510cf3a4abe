import { byteString } from '../../../util/byte-string.ts';
import { listSource, type SourceQuery } from './list-source.ts';
import type { SourceEntry, SourceListing } from './source-entry.ts';
import type { SourceTree } from './source-tree.ts';

interface Common {
  /** Archives are extracted instead of copied. */
  readonly unpack: boolean;
  /** It may change while it is read: what is copied is compared with what was listed before. */
  readonly watch: boolean;
}

interface TreeSource extends Common {
  readonly kind: 'tree';
  readonly tree: SourceTree;
  readonly query: SourceQuery;
}

/** A here-document or a download. */
interface FileSource extends Common {
  readonly kind: 'file';
  /** What it is called where the target is a folder. */
  readonly name: string;
  readonly entry: SourceEntry;
}

/** One source of a COPY or ADD, once it is on disk or in memory. Plain data. */
export type CopySource = TreeSource | FileSource;

/** Undefined for a path that is not there. @throws as `listSource` does */
export function listingsOf(source: CopySource): readonly SourceListing[] | undefined {
  if (source.kind === 'tree') return listSource(source.tree, source.query);
  return [{ name: byteString(source.name), top: source.entry, below: () => [] }];
}
