import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

const folder = '/proc/sys/fs/binfmt_misc';

/** An architecture that is not this machine's: its Debian name is that of Go; `uname` is what uname -m says. */
export const foreign =
  process.arch === 'arm64'
    ? { architecture: 'amd64', uname: 'x86_64' }
    : { architecture: 'arm64', uname: 'aarch64' };

/** Debian's own, under another name. */
async function registration(name: string): Promise<string> {
  const text = await readFile(`/usr/lib/binfmt.d/qemu-${foreign.uname}.conf`, 'latin1');
  return text.trim().replace(/^:[^:]+/, `:${name}`);
}

/** The emulator of `foreign`, registered with the kernel for as long as a test needs it. */
export class Emulation {
  /** Whether the machine has had one before. */
  readonly wasThere: boolean;
  readonly #isMounted: boolean;
  readonly #name = `hawser-test-${process.pid}`;

  private constructor(wasThere: boolean, isMounted: boolean) {
    this.wasThere = wasThere;
    this.#isMounted = isMounted;
  }

  /**
   * Mounts binfmt_misc where that is missing.
   *
   * @param program One of `foreign`: what the machine emulates need not be visible.
   */
  static async open(program: string): Promise<Emulation> {
    const isMissing = !existsSync(join(folder, 'status'));
    const mounted = isMissing && (await run(['mount', '-t', 'binfmt_misc', 'none', folder])).code === 0;
    return new Emulation((await run([program, 'true'])).code === 0, mounted);
  }

  /** False where the kernel, or the rights of this process, do not let it. */
  async register(): Promise<boolean> {
    if (this.wasThere) return true;
    if (!existsSync(join(folder, 'register'))) return false;
    return writeFile(join(folder, 'register'), await registration(this.#name)).then(
      () => true,
      () => false,
    );
  }

  async close(): Promise<void> {
    const entry = join(folder, this.#name);
    if (existsSync(entry)) await writeFile(entry, '-1');
    if (this.#isMounted) await run(['umount', folder]);
  }
}
