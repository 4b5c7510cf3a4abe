import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { systemErrorCode } from '../../../errors/hawser-error.ts';
import { byteString, fsPath } from '../../../util/byte-string.ts';
import { joinBytes, lstatOrNothing, resolveInside } from '../../execute/copy/root-path.ts';

/** Bytes of a file that is read whole. */
const textLimit = 256 << 20;

/** The files of an image, to be read by paths from its root: links are followed inside it, and only plain files are read. */
export class ImageFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Where a path leads on the host; undefined where there is nothing. */
  #find(path: string): string | undefined {
    const root = byteString(this.#root);
    const found = joinBytes(root, resolveInside(root, byteString(path), { followLast: true }));
    return lstatOrNothing(found) === undefined ? undefined : (fsPath(found) as string);
  }

  /** The text of a plain file; undefined where there is none. */
  read(path: string): string | undefined {
    const file = this.open(path);
    if (file === undefined) return undefined;
    try {
      return file.size > textLimit ? undefined : readFileSync(file.descriptor, 'utf8');
    } finally {
      file.close();
    }
  }

  /** A plain file, to be closed; undefined where there is none. */
  open(path: string): OpenFile | undefined {
    const found = this.#find(path);
    if (found === undefined) return undefined;
    // A FIFO would wait for its writer.
    const descriptor = openSync(found, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stats = fstatSync(descriptor);
    if (stats.isFile()) return new OpenFile(descriptor, stats.size);
    closeSync(descriptor);
    return undefined;
  }

  /** Names in a folder with their kinds, sorted; links are not followed. Nothing where there is none. */
  list(path: string): readonly { readonly name: string; readonly isFolder: boolean }[] {
    const found = this.#find(path);
    if (found === undefined) return [];
    try {
      return readdirSync(found, { withFileTypes: true })
        .map(entry => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOTDIR') return [];
      throw error;
    }
  }
}

export class OpenFile {
  readonly descriptor: number;
  /** Bytes */
  readonly size: number;

  constructor(descriptor: number, size: number) {
    this.descriptor = descriptor;
    this.size = size;
  }

  /** @throws RangeError where the file is shorter */
  bytes(offset: number, length: number): Buffer {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new RangeError('beyond the end of the file');
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.descriptor, buffer, done, length - done, offset + done);
      if (read === 0) throw new RangeError('beyond the end of the file');
      done += read;
    }
    return buffer;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
