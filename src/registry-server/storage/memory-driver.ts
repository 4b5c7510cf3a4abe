import { HawserError } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import type { OrderOptions, ReadOptions, StorageDriver, StorageLock, StoredInfo } from './driver.ts';

const CHUNK_SIZE = 512 << 10;

interface File {
  /** The content in pieces, which never change. */
  readonly pieces: readonly Uint8Array[];
  readonly size: number;
  readonly modified: number;
}

type Folder = Map<string, File | Folder>;

const isFolder = (node: File | Folder | undefined): node is Folder => node instanceof Map;

function fileOf(pieces: readonly Uint8Array[]): File {
  return { pieces, size: pieces.reduce((sum, { length }) => sum + length, 0), modified: Date.now() };
}

/** The first `size` bytes of a file. */
function head({ pieces }: File, size: number): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let left = size;
  for (const piece of pieces) {
    if (left <= 0) break;
    kept.push(piece.subarray(0, left));
    left -= piece.length;
  }
  return kept;
}

/** A volume that is gone with the process: `storage: inmemory`. */
export class MemoryDriver implements StorageDriver {
  readonly #root: Folder = new Map();
  readonly #locks = new Set<string>();

  async stat(path: string): Promise<StoredInfo | undefined> {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    if (isFolder(node)) return { kind: 'folder', size: 0, modified: 0 };
    return { kind: 'file', size: node.size, modified: node.modified };
  }

  async read(path: string, options: ReadOptions = {}): Promise<AsyncGenerator<Uint8Array, void>> {
    const file = this.#file(path);
    if (file === undefined) throw new HawserError('NOT_FOUND', `${path} is not in the volume`);
    return readPieces(file, options);
  }

  async readSmall(path: string, maxSize: number): Promise<Buffer | undefined> {
    const file = this.#file(path);
    return file === undefined || file.size > maxSize ? undefined : Buffer.concat(file.pieces);
  }

  async list(path: string): Promise<readonly string[]> {
    const node = this.#find(path);
    return isFolder(node) ? [...node.keys()].sort() : [];
  }

  async write(path: string, content: Uint8Array | string, { after }: OrderOptions = {}): Promise<void> {
    const bytes = Buffer.from(content);
    await after;
    this.#put(path, fileOf([bytes]));
  }

  async append(path: string, source: AsyncIterable<Uint8Array>, offset: number): Promise<number> {
    const old = this.#file(path) ?? fileOf([]);
    if (old.size < offset) {
      throw new HawserError('STORE_CORRUPT', `${path} has ${old.size} bytes instead of ${offset}`);
    }
    let file = fileOf(head(old, offset));
    this.#put(path, file);
    for await (const chunk of source) {
      file = fileOf([...file.pieces, chunk]);
      this.#put(path, file);
    }
    return file.size;
  }

  async move(from: string, to: string, { after }: OrderOptions = {}): Promise<void> {
    await after;
    const file = this.#file(from);
    if (file === undefined) throw new HawserError('NOT_FOUND', `${from} is not in the volume`);
    this.#put(to, file);
    await this.remove(from);
  }

  async remove(path: string): Promise<void> {
    const at = path.lastIndexOf('/');
    const parent = this.#find(path.slice(0, at));
    if (isFolder(parent)) parent.delete(path.slice(at + 1));
  }

  async prune(path: string, top: string): Promise<void> {
    for (let folder = path; folder.startsWith(`${top}/`); folder = folder.slice(0, folder.lastIndexOf('/'))) {
      const node = this.#find(folder);
      if (node !== undefined && (!isFolder(node) || node.size > 0)) return;
      await this.remove(folder);
    }
  }

  async tryLock(path: string): Promise<StorageLock | undefined> {
    if (this.#file(path) === undefined) throw new HawserError('NOT_FOUND', `${path} is not in the volume`);
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  #find(path: string): File | Folder | undefined {
    let node: File | Folder | undefined = this.#root;
    if (path === '') return node;
    for (const name of path.split('/')) node = isFolder(node) ? node.get(name) : undefined;
    return node;
  }

  #file(path: string): File | undefined {
    const node = this.#find(path);
    return isFolder(node) ? undefined : node;
  }

  #put(path: string, file: File): void {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let folder = this.#root;
    for (const name of names) {
      let next = folder.get(name);
      if (!isFolder(next)) {
        if (next !== undefined) throw new HawserError('CONFLICT', `${path}: ${name} is a file`);
        next = new Map();
        folder.set(name, next);
      }
      folder = next;
    }
    if (isFolder(folder.get(last))) throw new HawserError('CONFLICT', `${path} is a folder`);
    folder.set(last, file);
  }
}

async function* readPieces(file: File, options: ReadOptions): AsyncGenerator<Uint8Array, void> {
  const { start = 0, end = file.size, signal } = options;
  let position = 0;
  for (const piece of file.pieces) {
    const from = Math.max(0, start - position);
    const to = Math.min(piece.length, end - position);
    for (let at = from; at < to; at += CHUNK_SIZE) {
      throwIfAborted(signal);
      yield piece.subarray(at, Math.min(to, at + CHUNK_SIZE));
    }
    position += piece.length;
    if (position >= end) return;
  }
}
