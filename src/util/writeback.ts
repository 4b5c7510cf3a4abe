import { libcFunction } from './syscalls.ts';

/** SYNC_FILE_RANGE_WRITE: begins to write what is dirty, and waits for nothing. */
const beginWriting = 2;
const pieceSize = 8 * 1024 * 1024;

/**
 * Lets the disk work while a large file is still being written, so that the fsync(2) at its end finds little to do. A hint:
 * what comes of it is for that fsync to say. sync_file_range(2), since Linux 2.6.17.
 */
export class Writeback {
  readonly #fd: number;
  #begun = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param size Bytes of the file so far. */
  advance(size: number): void {
    const length = size - this.#begun;
    if (length < pieceSize) return;
    const call = libcFunction(
      'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
    );
    call(this.#fd, this.#begun, length, beginWriting);
    this.#begun = size;
  }
}
