import type { BigIntStats } from 'node:fs';
import { HawserError } from '../errors/hawser-error.ts';
import { type TarEntry, tarEntry } from '../tar/entry.ts';
import { type ByteString, byteString, textOf } from '../util/byte-string.ts';
import { type EntryOptions, entryOf, isUnchanged, type LayerXattrs } from './diff-entry.ts';
import {
  isOpaque,
  isWhiteout,
  type LowerEntry,
  lookUpLower,
  lowerNames,
  lstatOf,
  namesOf,
} from './diff-lowers.ts';
import type { SnapshotChanges } from './snapshotter.ts';

export interface DiffOptions {
  /** Seconds since 1970: newer modification times become this. */
  readonly sourceDateEpoch?: number | undefined;
  /** Default `capability`. */
  readonly xattrs?: LayerXattrs;
}

/** One entry of a layer, and where its content lies. */
export interface DiffItem {
  readonly entry: TarEntry;
  /** Of a plain file with content. */
  readonly path?: ByteString;
  /** Opens its content instead, for reading from the beginning. */
  readonly open?: () => number;
}

const WHITEOUT = '.wh.';

interface Folder {
  readonly name: ByteString;
  readonly path: ByteString;
  /** The folders of the parents that it stands on, the nearest first. */
  readonly lowers: readonly ByteString[];
  /** What it does not have is not there, and what it has may be as the parent has it. */
  readonly whole: boolean;
}

/** Seconds since 1970 that no time of a layer exceeds. */
export function latestOf(sourceDateEpoch: number | undefined): number {
  return sourceDateEpoch ?? Number.POSITIVE_INFINITY;
}

/** Walks what a snapshot changed. docs/layer-invariants.md, D1–D12 */
class DiffWalk {
  readonly #options: EntryOptions;
  /** The first name that this layer has of each file with several; D7. */
  readonly #links = new Map<bigint, ByteString>();

  /** @param comparesContents Where few files are compared: a copied tree is compared whole. */
  constructor(options: DiffOptions, comparesContents: boolean) {
    this.#options = {
      comparesContents,
      xattrs: options.xattrs ?? 'capability',
      latest: latestOf(options.sourceDateEpoch),
    };
  }

  *folder(folder: Folder): Generator<DiffItem, void> {
    const names = new Set(namesOf(folder.path));
    if (folder.whole) for (const name of lowerNames(folder.lowers)) names.add(name);
    for (const name of [...names].sort()) {
      const path = `${folder.path}/${name}` as ByteString;
      const target = (folder.name === '' ? name : `${folder.name}/${name}`) as ByteString;
      const stat = lstatOf(path);
      const lower = folder.lowers.length === 0 ? undefined : lookUpLower(folder.lowers, name);
      if (stat === undefined || isWhiteout(stat)) {
        if (lower !== undefined) yield { entry: whiteoutOf(folder.name, name) };
        continue;
      }
      if (stat.isSocket()) {
        // No layer holds a socket; what stood in its place is gone all the same.
        if (lower !== undefined && !lower.stat.isSocket()) yield { entry: whiteoutOf(folder.name, name) };
        continue;
      }
      if (name.startsWith(WHITEOUT)) throw reservedName(target);
      yield* this.#entry({ name: target, path, stat, lower, whole: folder.whole });
    }
  }

  *#entry(found: {
    readonly name: ByteString;
    readonly path: ByteString;
    readonly stat: BigIntStats;
    readonly lower: LowerEntry | undefined;
    readonly whole: boolean;
  }): Generator<DiffItem, void> {
    const { name, path, stat, lower } = found;
    const unchanged = lower !== undefined && isUnchanged(path, stat, lower, this.#options);
    if (!stat.isDirectory()) {
      if (!unchanged) yield this.#file(name, path, stat);
      return;
    }
    const own = () => ({ entry: entryOf(name, path, stat, this.#options) });
    let told = !unchanged;
    if (told) yield own();
    const lowers = lower?.folders ?? [];
    const whole = lowers.length > 0 && (found.whole || isOpaque(path));
    for (const change of this.folder({ name, path, lowers, whole })) {
      if (!told) yield own();
      told = true;
      yield change;
    }
  }

  #file(name: ByteString, path: ByteString, stat: BigIntStats): DiffItem {
    const entry = entryOf(name, path, stat, this.#options);
    if (stat.nlink > 1n) {
      const first = this.#links.get(stat.ino);
      if (first !== undefined) return { entry: { ...entry, type: 'link', linkname: first, size: 0 } };
      this.#links.set(stat.ino, name);
    }
    return entry.size > 0 ? { entry, path } : { entry };
  }
}

function whiteoutOf(folder: ByteString, name: ByteString): TarEntry {
  const whiteout = `${WHITEOUT}${name}`;
  return tarEntry({
    type: 'file',
    name: (folder === '' ? whiteout : `${folder}/${whiteout}`) as ByteString,
    mode: 0,
  });
}

function reservedName(name: ByteString): HawserError {
  return new HawserError('LAYER_INVALID', `a layer cannot hold ${JSON.stringify(`/${textOf(name)}`)}`, {
    remedy: 'Names that begin with .wh. stand for removed files in layers: give it another name.',
  });
}

/** The entries of the layer that `changes` make, sorted by name in byte order folder by folder. */
export function diffTree(changes: SnapshotChanges, options: DiffOptions = {}): Generator<DiffItem, void> {
  const lowers = changes.lowers.map(byteString);
  return new DiffWalk(options, changes.kind === 'overlay').folder({
    name: '' as ByteString,
    path: byteString(changes.upper),
    lowers,
    whole: changes.kind === 'copy' && lowers.length > 0,
  });
}
