import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, unlinkSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { withFileLock } from '../util/file-lock.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from '../util/process-identity.ts';
import type { Lease, LeaseInfo, LeaseOptions, Leases } from './store.ts';

/** The first line of a lease's file; each line after it is one digest. */
interface LeaseHeader extends ProcessIdentity {
  readonly owner: string;
  readonly expires?: number;
}

function parseHeader(line: string): LeaseHeader | undefined {
  try {
    return JSON.parse(line) as LeaseHeader;
  } catch {
    return undefined; // half written by a process that was killed
  }
}

function holds(header: LeaseHeader): boolean {
  return header.expires === undefined ? isRunning(header) : header.expires > Date.now();
}

function removeAtOnce(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Leases as files, `<folder>/<id>.lease`. Adding takes the collectors' lock as one of many, a collector takes it alone:
 * once `add` has returned, every later collection sees the digest, and the caller's look whether the blob is there
 * counts.
 */
export class LayoutLeases implements Leases {
  readonly #folder: string;
  readonly #lockPath: string;

  constructor(folder: string, lockPath: string) {
    this.#folder = folder;
    this.#lockPath = lockPath;
  }

  async acquire(owner: string, options: LeaseOptions = {}): Promise<Lease> {
    const id = randomBytes(8).toString('hex');
    const path = join(this.#folder, `${id}.lease`);
    const header: LeaseHeader = {
      owner,
      ...ownIdentity(),
      ...(options.expires === undefined ? {} : { expires: options.expires }),
    };
    // A lease that ends with its process need not outlive a power cut, and so is not flushed.
    await writeFileAtomic(path, `${JSON.stringify(header)}\n`, { durable: options.expires !== undefined });
    let released = false;
    const held = new Set<Digest>();
    // At once: a line is written in less time than a thread is asked to.
    const write = async (digests: readonly Digest[]) => {
      if (released) throw new HawserError('INTERNAL', `lease ${id} was released before`);
      const added = digests.filter(digest => !held.has(digest));
      if (added.length === 0) return;
      appendFileSync(path, added.map(digest => `${digest}\n`).join(''));
      for (const digest of added) held.add(digest);
    };
    return {
      id,
      add: async (...digests) => {
        if (released || digests.some(digest => !held.has(digest))) await this.beside(() => write(digests));
      },
      guard: work =>
        this.beside(async () => {
          const { digests, result } = await work();
          await write(digests);
          return result;
        }),
      release: async () => {
        released = true;
        removeAtOnce(path);
      },
    };
  }

  async list(): Promise<readonly LeaseInfo[]> {
    const leases: LeaseInfo[] = [];
    for (const name of this.#names()) {
      const lease = await this.#read(name);
      if (lease !== undefined) leases.push(lease);
    }
    return leases;
  }

  async exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    return withFileLock(this.#lockPath, async () => {
      await this.removeEnded();
      return work();
    });
  }

  /** Runs `work` while no collector does. */
  async beside<Result>(work: () => Promise<Result>): Promise<Result> {
    return withFileLock(this.#lockPath, work, { shared: true, timeout: 120_000 });
  }

  /** At once: every build looks, and mostly finds nothing. */
  #names(): readonly string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Undefined for a lease that holds no more. */
  async #read(name: string): Promise<LeaseInfo | undefined> {
    if (!name.endsWith('.lease')) return undefined;
    let text: string;
    try {
      text = await readFile(join(this.#folder, name), 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined; // released in between
      throw error;
    }
    const [first = '', ...lines] = text.split('\n');
    const header = parseHeader(first);
    if (header === undefined || !holds(header)) return undefined;
    const digests = lines.filter(line => isDigest(line)) as Digest[];
    const expires = header.expires === undefined ? {} : { expires: header.expires };
    return { id: name.slice(0, -'.lease'.length), owner: header.owner, digests, ...expires };
  }

  async removeEnded(): Promise<void> {
    for (const name of this.#names()) {
      // A `.tmp` belongs to a lease that is being made, or to a process that died while making it.
      const maker = /^[0-9a-f]+\.lease\.(\d+)\.[0-9a-f]+\.tmp$/.exec(name);
      const ended =
        maker === null
          ? name.endsWith('.lease') && (await this.#read(name)) === undefined
          : !isRunningPid(Number(maker[1]));
      if (ended) await rm(join(this.#folder, name), { force: true });
    }
  }
}

function isRunningPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
