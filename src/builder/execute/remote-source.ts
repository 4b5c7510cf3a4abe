import type { KeyPart } from '../cache/key.ts';
import type { SourceEntry } from './copy/source-entry.ts';
import type { SourceTree } from './copy/source-tree.ts';

/** Something that ADD takes from elsewhere: a download, a git repository. */
export interface RemoteSource {
  /** What the content depends on, e.g. its digest or a commit. May ask the server for it. */
  key(): Promise<KeyPart>;
  /** Brings it here, where it is not yet; the same content that `key` has named. */
  open(): Promise<OpenedSource>;
}

export type OpenedSource =
  | { readonly kind: 'tree'; readonly tree: SourceTree }
  | { readonly kind: 'file'; readonly name: string; readonly entry: SourceEntry };
