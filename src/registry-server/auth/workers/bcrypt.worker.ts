import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

export interface CompareJob {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

export interface CompareResult {
  readonly id: number;
  readonly isEqual: boolean;
}

// A comparison takes a tenth of a second of arithmetic on purpose: here it holds up nobody's download.
parentPort?.on('message', ({ id, password, hash }: CompareJob) => {
  let isEqual = false;
  try {
    isEqual = compareSync(password, hash);
  } catch {
    isEqual = false; // no hash of bcrypt: nobody's password fits
  }
  parentPort?.postMessage({ id, isEqual } satisfies CompareResult, []);
});
