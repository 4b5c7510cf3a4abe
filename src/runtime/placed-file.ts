import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';

/** A file or folder that is known again whatever name it has: kept open, its number cannot be another's. */
export class PlacedFile {
  readonly #descriptor: number | undefined;
  readonly #stat: BigIntStats;
  hasOtherNames = false;

  constructor(path: string) {
    this.#stat = lstatSync(path, { bigint: true });
    // A socket cannot be opened, and its content is nobody's secret.
    if (this.#stat.isSocket()) return;
    this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  isAt(path: string): boolean {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.ino === this.#stat.ino && stat.dev === this.#stat.dev;
  }

  /** Whether it has no name any more. */
  close(): boolean {
    if (this.#descriptor === undefined) return true;
    const { nlink } = fstatSync(this.#descriptor, { bigint: true });
    closeSync(this.#descriptor);
    this.hasOtherNames = nlink > 1n;
    return nlink === 0n;
  }
}
