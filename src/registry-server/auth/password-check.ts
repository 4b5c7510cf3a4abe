import { createHmac, randomBytes } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { HawserError } from '../../errors/hawser-error.ts';
import { startWorker } from '../../util/worker-entry.ts';
import type { CompareJob, CompareResult } from './workers/bcrypt.worker.ts';

/** Comparisons that may wait: who guesses passwords in bulk makes others wait no longer than some seconds. */
const QUEUE_LIMIT = 64;
/** Right passwords that are remembered, since a client sends its own with every request. */
const KEPT_PASSWORDS = 1000;

/** What bcrypt looks at; the rest of a longer password would count for nothing (CVE-2024-9683). */
export const passwordLimit = 72;

/** Whether bcrypt tells a password from all others. */
export function isPlainPassword(password: string): boolean {
  return Buffer.byteLength(password) <= passwordLimit && !password.includes('\0');
}

/** Compares passwords with hashes of bcrypt, in a thread of its own. */
export class PasswordCheck {
  readonly #key = randomBytes(32);
  readonly #right = new Map<string, true>();
  readonly #waiting = new Map<number, (result: CompareResult | Error) => void>();
  #worker: Worker | undefined;
  #next = 0;

  /** @throws HawserError TOOMANYREQUESTS */
  async matches(password: string, hash: string): Promise<boolean> {
    const key = createHmac('sha256', this.#key).update(`${hash}\0${password}`).digest('base64');
    if (this.#right.has(key)) return true;
    const isEqual = (await this.#compare(password, hash)) && isPlainPassword(password);
    if (isEqual) this.#remember(key);
    return isEqual;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #remember(key: string): void {
    this.#right.set(key, true);
    if (this.#right.size <= KEPT_PASSWORDS) return;
    for (const oldest of this.#right.keys()) {
      this.#right.delete(oldest);
      break;
    }
  }

  async #compare(password: string, hash: string): Promise<boolean> {
    if (this.#waiting.size >= QUEUE_LIMIT) {
      throw new HawserError('TOOMANYREQUESTS', 'too many passwords are being checked at once');
    }
    const id = this.#next++;
    const worker = this.#start();
    const result = await new Promise<CompareResult | Error>(resolve => {
      this.#waiting.set(id, resolve);
      worker.postMessage({ id, password, hash } satisfies CompareJob, []);
    });
    if (result instanceof Error) {
      throw new HawserError('UNAVAILABLE', 'passwords cannot be checked', { cause: result });
    }
    return result.isEqual;
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startWorker('registry-server/auth/workers/bcrypt.worker', undefined);
    worker.unref();
    worker.on('message', (result: CompareResult) => {
      this.#waiting.get(result.id)?.(result);
      this.#waiting.delete(result.id);
    });
    const fail = (error: Error) => {
      this.#worker = undefined;
      for (const resolve of this.#waiting.values()) resolve(error);
      this.#waiting.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread ended')));
    this.#worker = worker;
    return worker;
  }
}
