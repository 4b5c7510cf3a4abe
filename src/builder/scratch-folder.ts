import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { namesInSync } from '../util/names-in.ts';
import { isRunning, ownIdentity } from '../util/process-identity.ts';

/**
 * Folders for what one build has unpacked or checked out: `<root>/<pid>-<start>-<random>`. What a process that runs no more
 * has left goes when the next build asks for one.
 */
export class ScratchFolders {
  readonly #root: string;
  readonly #made: string[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** The path of a new folder, which is made. */
  async make(): Promise<string> {
    if (this.#made.length === 0) await this.#sweep();
    const { pid, start } = ownIdentity();
    const path = join(this.#root, `${pid}-${start}-${randomBytes(6).toString('hex')}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#made.push(path);
    return path;
  }

  async #sweep(): Promise<void> {
    for (const name of namesInSync(this.#root)) {
      const [pid = '', start = ''] = name.split('-');
      if (!isRunning({ pid: Number(pid), start }))
        await rm(join(this.#root, name), { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    for (const path of this.#made.splice(0)) await rm(path, { recursive: true, force: true });
  }
}
