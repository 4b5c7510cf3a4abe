import { close, closeSync, constants, openSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { lastErrno, libcFunction, syscallError } from '../util/syscalls.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SHUT_WR = 1;
const SHUT_RDWR = 2;

/** What conmon puts before each packet (conmon.h, STDIO pipe numbers). */
const streams: Readonly<Record<number, 'stdout' | 'stderr'>> = { 2: 'stdout', 3: 'stderr' };

const readAsync = promisify(read);
const writeAsync = promisify(write);

/**
 * A connection to conmon's attach socket. It is SOCK_SEQPACKET, which Node's net does not speak: socket and connect go
 * through libc, reads and writes through fs, on threads of Node's pool.
 */
export class AttachSocket {
  readonly #descriptor: number;
  #closed = false;

  constructor(folder: string) {
    const socket = libcFunction('int socket(int domain, int type, int protocol)');
    this.#descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) as number;
    if (this.#descriptor < 0) throw syscallError('make a socket', lastErrno());
    // sun_path holds 107 bytes: the folder is named by a descriptor, however deep it lies
    const directory = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const address = Buffer.alloc(110);
      address.writeUInt16LE(AF_UNIX, 0);
      address.write(`/proc/self/fd/${directory}/attach`, 2, 'latin1');
      const connect = libcFunction('int connect(int fd, const void *address, unsigned int length)');
      if (connect(this.#descriptor, address, address.length) !== 0) {
        const error = syscallError(`attach to ${folder}`, lastErrno());
        closeSync(this.#descriptor);
        throw error;
      }
    } finally {
      closeSync(directory);
    }
  }

  /** Calls back for each piece of output, until conmon closes: the container has ended. */
  async readAll(onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void): Promise<void> {
    const buffer = Buffer.allocUnsafe(65_536);
    while (!this.#closed) {
      let length: number;
      try {
        ({ bytesRead: length } = await readAsync(this.#descriptor, buffer, 0, buffer.length, null));
      } catch (error) {
        if (systemErrorCode(error) === 'ECONNRESET') return;
        throw error;
      }
      if (length === 0) return;
      const stream = streams[buffer[0] ?? 0];
      if (stream !== undefined) onOutput(stream, Buffer.from(buffer.subarray(1, length)));
    }
  }

  /** Sends to the container's stdin; false where it takes no more. */
  async write(chunk: Uint8Array): Promise<boolean> {
    // conmon reads packets of up to 8 KiB
    for (let start = 0; start < chunk.length; start += 8192) {
      if (this.#closed) return false;
      const part = chunk.subarray(start, start + 8192);
      try {
        await writeAsync(this.#descriptor, part, 0, part.length, null);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === 'EPIPE' || code === 'ECONNRESET' || code === 'EBADF') return false;
        throw error;
      }
    }
    return true;
  }

  #shutdown(how: number): void {
    libcFunction('int shutdown(int fd, int how)')(this.#descriptor, how);
  }

  /** The end of stdin. */
  endInput(): void {
    if (!this.#closed) this.#shutdown(SHUT_WR);
  }

  /** Ends a read that waits, then the connection. The container runs on. */
  detach(): void {
    if (!this.#closed) this.#shutdown(SHUT_RDWR);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return promisify(close)(this.#descriptor);
  }
}
