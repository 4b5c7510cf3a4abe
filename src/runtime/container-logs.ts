import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { logPathOf, readRecord } from './container-store.ts';
import { type LogLine, parseLogLine, timeOfLog } from './log-format.ts';

export interface LogOptions {
  /** Goes on until the container ends, or `signal` fires. */
  readonly follow?: boolean;
  /** The last lines only; counted in whole lines. */
  readonly tail?: number;
  /** RFC 3339, inclusive. */
  readonly since?: string;
  /** RFC 3339, inclusive. */
  readonly until?: string;
  readonly signal?: AbortSignal | undefined;
}

const CHUNK = 65_536;
const NEWLINE = 0x0a;

/**
 * Where the last `count` lines begin in `data`, a line being partial ones and the full one after them; undefined where
 * there are fewer.
 */
function startOfLast(data: Buffer, count: number): number | undefined {
  let found = 0;
  let end = data.length;
  for (let last = true; end > 0; last = false) {
    const start = end < 2 ? 0 : data.lastIndexOf(NEWLINE, end - 2) + 1;
    const full =
      parseLogLine(data.subarray(start, data[end - 1] === NEWLINE ? end - 1 : end))?.partial !== true;
    if ((full || last) && ++found > count) return end;
    end = start;
  }
  return found === count ? 0 : undefined;
}

async function offsetOfTail(handle: FileHandle, count: number): Promise<number> {
  const { size } = await handle.stat();
  if (count <= 0) return size;
  for (let length = CHUNK; length < size; length *= 2) {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const start = startOfLast(buffer, count);
    // 0 may be the middle of a line
    if (start !== undefined && start > 0) return size - length + start;
  }
  const { buffer } = await handle.read(Buffer.alloc(size), 0, size, 0);
  return startOfLast(buffer, count) ?? 0;
}

/** Waits for the file to change, half a second at most. */
function nextChange(path: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const watcher = watch(dirname(path));
    const done = () => {
      clearTimeout(timer);
      watcher.close();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, 500);
    watcher.once('change', done).once('error', done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

function inTime(line: LogLine, since: bigint | undefined, until: bigint | undefined): boolean {
  const time = timeOfLog(line.time);
  if (time === undefined) return true;
  return (since === undefined || time >= since) && (until === undefined || time <= until);
}

/** The lines of a log file, from the `tail`; with `isOver`, goes on reading until that says so. */
export async function* readLogFile(
  path: string,
  options: LogOptions & { readonly isOver: () => boolean },
): AsyncGenerator<LogLine> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  const since = options.since === undefined ? undefined : timeOfLog(options.since);
  const until = options.until === undefined ? undefined : timeOfLog(options.until);
  try {
    let position = options.tail === undefined ? 0 : await offsetOfTail(handle, options.tail);
    let rest: Buffer = Buffer.alloc(0);
    while (options.signal?.aborted !== true) {
      // Asked before the read: what was written before the end is read after it.
      const over = options.follow !== true || options.isOver();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, position);
      position += bytesRead;
      if (bytesRead === 0) {
        if (over) return;
        await nextChange(path, options.signal);
        continue;
      }
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        const line = parseLogLine(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
        if (line !== undefined && inTime(line, since, until)) yield line;
      }
    }
  } finally {
    await handle.close();
  }
}

/** The log of a container by its whole id. */
export async function* readLogs(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  id: string,
  options: LogOptions = {},
): AsyncGenerator<LogLine> {
  const record = readRecord(engine, id);
  if (record === undefined) return;
  const isOver = () => stateOf(engine, id).status !== 'running';
  yield* readLogFile(logPathOf(engine, record), { ...options, isOver });
}
