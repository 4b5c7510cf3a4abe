import { noXattrs, type TarEntry, type TarEntryType } from '../tar/entry.ts';
import { ByteHeap } from '../util/byte-heap.ts';
import type { ByteString } from '../util/byte-string.ts';
import { ByteRows, float64Column, uint8Column, uint16Column, uint32Column } from '../util/columns.ts';

/** Bytes of a file where they lie in the uncompressed layer; `offset` undefined for a hole. */
export interface ContentPart {
  readonly offset: number | undefined;
  readonly length: number;
}

/** By their place; the first is a folder that no layer has an entry for. */
const types: readonly (TarEntryType | undefined)[] = [
  undefined,
  'directory',
  'file',
  'symlink',
  'character-device',
  'block-device',
  'fifo',
];

const maxUint32 = 2 ** 32 - 1;

/** What few files have. */
interface Rarity {
  readonly device?: readonly [major: number, minor: number];
  readonly xattrs?: TarEntry['xattrs'];
  readonly parts?: readonly ContentPart[];
  readonly size?: number;
  readonly seconds?: number;
}

/**
 * The files of an image apart from their names: what inodes are on a disk. There may be millions, and so they have no
 * objects but a number each, from 0.
 */
export class TreeFiles {
  #count = 0;
  readonly #type = uint8Column();
  readonly #mode = uint16Column();
  readonly #owner = uint32Column();
  /** What 32 bits do not hold of them is among the rarities. */
  readonly #size = uint32Column();
  readonly #seconds = uint32Column();
  readonly #nanoseconds = uint32Column();
  /** From 1. No manifest has room for 65,535 layers. */
  readonly #layer = uint16Column();
  readonly #links = uint32Column();
  /** Where a plain file's content begins in its layer; the text that a symlink leads to. */
  readonly #place = float64Column();
  readonly #digests = new ByteRows(32);
  readonly #texts = new ByteHeap();
  readonly #rarities = new Map<number, Rarity>();
  readonly #owners: { readonly uid: number; readonly gid: number }[] = [];
  readonly #ownerIndexes = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  /** @param entry Undefined for a folder that no layer has an entry for. */
  add(entry: TarEntry | undefined, layer: number): number {
    const file = this.#count++;
    this.set(file, entry, layer);
    return file;
  }

  /** Gives a file another entry. */
  set(file: number, entry: TarEntry | undefined, layer: number): void {
    this.#layer.set(file, layer + 1);
    this.#type.set(file, types.indexOf(entry?.type));
    this.#rarities.delete(file);
    if (entry === undefined) return;
    this.#mode.set(file, entry.mode);
    this.#owner.set(file, this.#ownerIndex(entry.uid, entry.gid));
    this.#size.set(file, entry.size);
    this.#seconds.set(file, entry.mtime.seconds);
    this.#nanoseconds.set(file, entry.mtime.nanoseconds);
    if (entry.type === 'symlink') this.#place.set(file, this.#texts.add(entry.linkname));
    const { devmajor, devminor, xattrs, size, mtime } = entry;
    if (size > maxUint32) this.#addRarity(file, { size });
    if (mtime.seconds < 0 || mtime.seconds > maxUint32) this.#addRarity(file, { seconds: mtime.seconds });
    if (devmajor !== 0 || devminor !== 0) this.#addRarity(file, { device: [devmajor, devminor] });
    if (xattrs.size > 0) this.#addRarity(file, { xattrs });
  }

  #addRarity(file: number, rarity: Rarity): void {
    this.#rarities.set(file, { ...this.#rarities.get(file), ...rarity });
  }

  #ownerIndex(uid: number, gid: number): number {
    const key = `${uid}:${gid}`;
    const known = this.#ownerIndexes.get(key);
    if (known !== undefined) return known;
    this.#ownerIndexes.set(key, this.#owners.length);
    return this.#owners.push({ uid, gid }) - 1;
  }

  isFolder(file: number): boolean {
    return this.#type.get(file) <= 1;
  }

  /** The target of a symlink; undefined for other files. */
  linkOf(file: number): ByteString | undefined {
    return types[this.#type.get(file)] === 'symlink' ? this.#texts.get(this.#place.get(file)) : undefined;
  }

  sizeOf(file: number): number {
    return this.#rarities.get(file)?.size ?? this.#size.get(file);
  }

  /** The layer that its entry is of, from 0; -1 for a folder that was there before all layers. */
  layerOf(file: number): number {
    return this.#layer.get(file) - 1;
  }

  /** How many names it has. */
  linksOf(file: number): number {
    return this.#links.get(file);
  }

  /** @returns how many names it has then */
  addLinks(file: number, count: 1 | -1): number {
    const links = Math.max(0, this.#links.get(file) + count);
    this.#links.set(file, links);
    return links;
  }

  /** @param name A file may have several, and knows none. */
  entryOf(file: number, name: ByteString): TarEntry | undefined {
    const type = types[this.#type.get(file)];
    if (type === undefined) return undefined;
    const rarity = this.#rarities.get(file);
    const owner = this.#owners[this.#owner.get(file)];
    return {
      type,
      name,
      linkname: this.linkOf(file) ?? ('' as ByteString),
      mode: this.#mode.get(file),
      uid: owner?.uid ?? 0,
      gid: owner?.gid ?? 0,
      size: rarity?.size ?? this.#size.get(file),
      mtime: {
        seconds: rarity?.seconds ?? this.#seconds.get(file),
        nanoseconds: this.#nanoseconds.get(file),
      },
      devmajor: rarity?.device?.[0] ?? 0,
      devminor: rarity?.device?.[1] ?? 0,
      xattrs: rarity?.xattrs ?? noXattrs,
    };
  }

  setContent(file: number, parts: readonly ContentPart[], digest: ByteString | undefined): void {
    const [first] = parts;
    if (parts.length === 1 && first?.offset !== undefined && first.length === this.sizeOf(file)) {
      this.#place.set(file, first.offset);
    } else if (parts.length > 0) this.#addRarity(file, { parts });
    if (digest !== undefined) this.#digests.set(file, digest);
  }

  /** Of a plain file. */
  partsOf(file: number): readonly ContentPart[] {
    const parts = this.#rarities.get(file)?.parts;
    if (parts !== undefined) return parts;
    const length = this.sizeOf(file);
    return length === 0 ? [] : [{ offset: this.#place.get(file), length }];
  }

  /** Of a plain file's content, where digests were asked for: bytes as Latin-1. */
  digestOf(file: number): ByteString | undefined {
    return types[this.#type.get(file)] === 'file' ? this.#digests.get(file) : undefined;
  }
}
