import { lstatSync } from 'node:fs';
import { fsOps } from '../layers/fs-ops.ts';

const second = 1_000_000_000n;

/** Nanoseconds since 1970; 0 for a folder that is not there. */
export function modifiedOf(folder: string): bigint {
  return lstatSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
}

/** @param time Nanoseconds since 1970. */
export function setModified(path: string, time: bigint): void {
  const nanoseconds = ((time % second) + second) % second;
  fsOps.utimensat(path, { seconds: Number((time - nanoseconds) / second), nanoseconds: Number(nanoseconds) });
}
