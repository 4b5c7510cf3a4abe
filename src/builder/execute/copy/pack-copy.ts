import { closeSync, fstatSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { latestOf } from '../../../layers/diff-tree.ts';
import { LayerWriter, type WrittenLayer } from '../../../layers/diff-writer.ts';
import { type TarEntry, tarEntry } from '../../../tar/entry.ts';
import { type ByteString, byteString, fsPath } from '../../../util/byte-string.ts';
import { type CopyTarget, dressOf, prepareTarget } from './copy-entries.ts';
import type { CopyJob } from './copy-into.ts';
import { listingsOf } from './copy-source.ts';
import { lstatOrNothing, resolveInside } from './root-path.ts';
import type { SourceEntry } from './source-entry.ts';

/** That a layer is to be made while a folder is copied. Plain data. */
export interface PackPlan {
  /** The folder that is filled, which was not there or empty: absolute, inside the root. */
  readonly folder: ByteString;
  /** Where the archive goes: a new file. */
  readonly path: string;
  /** SOURCE_DATE_EPOCH */
  readonly latest: number | undefined;
  /** Nobody reads the files for now: only the layer is made. */
  readonly only?: boolean;
}

/**
 * Whether all that a copy brings is new, so that its layer can be told without comparing: one folder that goes into one
 * which is not there yet or empty. That is made then, with its parents.
 *
 * @throws HawserError as a copy does
 */
export function makeFreshFolder({ sources, target }: CopyJob): ByteString | undefined {
  const [source] = sources;
  if (sources.length !== 1 || source?.kind !== 'tree') return undefined;
  const listings = listingsOf(source);
  const [listing] = listings ?? [];
  if (listings?.length !== 1 || listing?.top.type !== 'folder') return undefined;
  const root = byteString(target.root);
  const path = resolveInside(root, posix.normalize(byteString(target.path)), { followLast: true });
  const location = `${root}${path}` as ByteString;
  if (path === '/' || (lstatOrNothing(location) !== undefined && !isEmptyFolder(location))) return undefined;
  return prepareTarget(listing, target);
}

function isEmptyFolder(location: ByteString): boolean {
  return lstatOrNothing(location)?.isDirectory() === true && readdirSync(fsPath(location)).length === 0;
}

/**
 * Writes the layer that comparing the filled folder with its parent would give, while the folder is filled: each content is
 * read once. The entries come in the order of a layer: depth first, names in byte order.
 */
export class CopyPacker {
  readonly #plan: PackPlan;
  readonly #target: CopyTarget;
  readonly #writer: LayerWriter;
  readonly #first = new Map<string, ByteString>();
  #canTell = true;

  constructor(plan: PackPlan, target: CopyTarget) {
    this.#plan = plan;
    this.#target = target;
    this.#writer = new LayerWriter(plan.path);
    const parts = plan.folder.slice(1).split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      this.#standing(parts.slice(0, depth).join('/') as ByteString, depth === parts.length);
    }
  }

  /** A folder of the image as it stands there. */
  #standing(name: ByteString, isFilled: boolean): void {
    const { root, folderTime } = this.#target;
    const { mode, uid, gid, mtimeMs } = lstatSync(fsPath(`${byteString(root)}/${name}` as ByteString));
    const time = isFilled && folderTime !== undefined ? folderTime : mtimeMs;
    const mtime = this.#bounded(Math.floor(time / 1000));
    this.#writer.add({ entry: tarEntry({ type: 'directory', name, mode: mode & 0o7777, uid, gid, mtime }) });
  }

  #bounded(seconds: number) {
    return { seconds: Math.min(seconds, latestOf(this.#plan.latest)), nanoseconds: 0 };
  }

  /** A folder, before what is in it; or a link, a file without content, or one whose content is at `location`. */
  add(source: SourceEntry, location?: ByteString): void {
    if (source.type !== 'file') {
      const entry = this.#entryOf(source, 0);
      if (entry !== undefined) this.#writer.add({ entry });
      return;
    }
    if (location === undefined) this.addContent(source, new Uint8Array());
    else this.addOpen(source, openSync(fsPath(location), 'r'));
  }

  /** A file by its content, which is read before this returns. */
  addContent(source: SourceEntry, content: Uint8Array): void {
    const entry = this.#entryOf(source, content.length);
    if (entry !== undefined) this.#writer.addContent(entry, content);
  }

  /** A file by its descriptor, which is closed. */
  addOpen(source: SourceEntry, file: number): void {
    const entry = this.#entryOf(source, fstatSync(file).size);
    if (entry === undefined) closeSync(file);
    else this.#writer.add({ entry, open: () => file });
  }

  /** Whether a name of the same file came before. */
  has({ inode }: SourceEntry): boolean {
    return inode !== undefined && this.#first.has(inode);
  }

  /** A further name of a file that came before. */
  addLink(source: SourceEntry): void {
    const first = source.inode === undefined ? undefined : this.#first.get(source.inode);
    const entry = this.#entryOf(source, 0);
    if (first === undefined || entry === undefined) this.#canTell = false;
    else this.#writer.add({ entry: { ...entry, type: 'link', linkname: first } });
  }

  #entryOf(source: SourceEntry, size: number): TarEntry | undefined {
    const { type, path, inode, link = '' as ByteString, capability } = source;
    if (type !== 'file' && type !== 'folder' && type !== 'symlink') {
      this.#canTell = false;
      return undefined;
    }
    const name = `${this.#plan.folder.slice(1)}/${path}` as ByteString;
    if (inode !== undefined && !this.#first.has(inode)) this.#first.set(inode, name);
    const { uid, gid, mode, time } = dressOf(source, this.#target);
    const keepsCapability = capability !== undefined && this.#target.owner === undefined;
    return tarEntry({
      type: type === 'folder' ? 'directory' : type,
      name,
      linkname: type === 'symlink' ? link : ('' as ByteString),
      mode: type === 'symlink' ? 0o777 : mode,
      uid,
      gid,
      size,
      mtime: this.#bounded(time.seconds),
      ...(keepsCapability ? { xattrs: new Map([['security.capability', capability]]) } : {}),
    });
  }

  /** Undefined, and no file, where there was something that only comparing can tell. */
  end(): WrittenLayer | undefined {
    if (this.#canTell) return this.#writer.end();
    this.#writer.abandon();
    return undefined;
  }

  abandon(): void {
    this.#writer.abandon();
  }
}
