import { randomInt } from 'node:crypto';
import { ByteHeap } from '../util/byte-heap.ts';
import type { ByteString } from '../util/byte-string.ts';
import { uint8Column, uint32Column } from '../util/columns.ts';

/**
 * Of one tree two others may be made: 0 is what came first, 1 and 2 what was made of it. A name is in those that it was
 * added to or came first in, without those that it was taken from.
 */
export type Branch = 0 | 1 | 2;

/** In the state of a name: the branch that it was added to, and above it those that it is gone from, all for bit 0. */
const bornMask = 3;
const gone = 4;

export const rootIndex = 0;

/** The names in the folders of an image, numbered from 0, the root's; children are found by a hash of folder and text. */
export class TreeNames {
  #count = 1;
  readonly #texts = new ByteHeap();
  readonly #text = uint32Column();
  readonly #parent = uint32Column();
  readonly #file = uint32Column();
  /** Of a folder its first child, and of a child the next one; 0 for none. */
  readonly #child = uint32Column();
  readonly #next = uint32Column();
  readonly #hash = uint32Column();
  readonly #state = uint8Column();
  /** Open addressing; 0 is an empty slot. */
  #table = new Uint32Array(1024);
  #filled = 0;
  /** So that no layer can choose names that all fall into one slot. */
  readonly #seed = randomInt(2 ** 32);

  textOf(name: number): ByteString {
    return name === rootIndex ? ('' as ByteString) : this.#texts.get(this.#text.get(name));
  }

  fileOf(name: number): number {
    return this.#file.get(name);
  }

  /** The root's is itself. */
  parentOf(name: number): number {
    return this.#parent.get(name);
  }

  bornIn(name: number): Branch {
    return (this.#state.get(name) & bornMask) as Branch;
  }

  /** From the root, without a slash before it. */
  pathOf(name: number): ByteString {
    const parts: ByteString[] = [];
    for (let at = name; at !== rootIndex; at = this.parentOf(at)) parts.push(this.textOf(at));
    return parts.toReversed().join('/') as ByteString;
  }

  find(folder: number, text: ByteString, branch: Branch): number | undefined {
    const hash = this.#hashOf(folder, text);
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const name = this.#table[slot] as number;
      if (name === 0) return undefined;
      if (
        this.#hash.get(name) === hash &&
        this.#parent.get(name) === folder &&
        this.#isIn(name, branch) &&
        this.#texts.equals(this.#text.get(name), text)
      )
        return name;
    }
  }

  #isIn(name: number, branch: Branch): boolean {
    const state = this.#state.get(name);
    const born = state & bornMask;
    return (born === 0 || born === branch) && (state & (gone | (gone << branch))) === 0;
  }

  /** The folder must not have the name. */
  add(
    folder: number,
    name: { readonly text: ByteString; readonly file: number; readonly branch: Branch },
  ): number {
    const index = this.#count++;
    const hash = this.#hashOf(folder, name.text);
    this.#text.set(index, this.#texts.add(name.text));
    this.#parent.set(index, folder);
    this.#file.set(index, name.file);
    this.#hash.set(index, hash);
    this.#state.set(index, name.branch);
    this.#next.set(index, this.#child.get(folder));
    this.#child.set(folder, index);
    this.#insert(index, hash);
    return index;
  }

  #insert(name: number, hash: number): void {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      // So that no name leaves ever more slots behind it which is added and removed again and again.
      if ((this.#state.get(this.#table[slot] as number) & gone) !== 0) break;
    }
    if (this.#table[slot] === 0) this.#filled++;
    this.#table[slot] = name;
    if (this.#filled > this.#table.length * 0.6) this.#grow();
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Uint32Array(before.length * 2);
    this.#filled = 0;
    for (const name of before) {
      if (name !== 0 && (this.#state.get(name) & gone) === 0) this.#insert(name, this.#hash.get(name));
    }
  }

  remove(name: number, branch: Branch): void {
    const isOwn = this.bornIn(name) === branch;
    this.#state.set(name, this.#state.get(name) | (isOwn ? gone : gone << branch));
  }

  /** In no order. What is removed meanwhile does not disturb the walk. */
  *childrenOf(folder: number, branch: Branch): Generator<number, void> {
    let before = 0;
    for (let name = this.#child.get(folder); name !== 0; name = this.#next.get(name)) {
      if ((this.#state.get(name) & gone) !== 0) {
        if (before === 0) this.#child.set(folder, this.#next.get(name));
        else this.#next.set(before, this.#next.get(name));
        continue;
      }
      before = name;
      if (this.#isIn(name, branch)) yield name;
    }
  }

  /** In byte order. */
  sortedChildrenOf(folder: number, branch: Branch): readonly number[] {
    const texts = this.#texts;
    const text = this.#text;
    const names = [...this.childrenOf(folder, branch)];
    return names.sort((left, right) => texts.compare(text.get(left), text.get(right)));
  }

  /** FNV-1a, and mixed so that its low bits depend on all. */
  #hashOf(folder: number, text: ByteString): number {
    let hash = Math.imul(folder ^ this.#seed, 0x01000193);
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}
