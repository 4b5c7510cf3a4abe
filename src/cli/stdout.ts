import { writeSync } from 'node:fs';
import { systemErrorCode } from '../errors/hawser-error.ts';

let stdout: NodeJS.WriteStream | undefined;

/**
 * A reader that goes away (`hawser image ls | head`) is no error. Node makes the stream when it is first asked for, and it
 * is left so: a cached build that says one line goes without.
 */
export function forgiveLostReader(): void {
  const { get, ...rest } = Object.getOwnPropertyDescriptor(process, 'stdout') ?? {};
  if (get === undefined) return;
  Object.defineProperty(process, 'stdout', {
    ...rest,
    get() {
      stdout ??= prepared(get.call(process) as NodeJS.WriteStream);
      return stdout;
    },
  });
}

function prepared(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** Prints a line after all that was printed before. */
export function writeLine(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  const written = stdout === undefined ? writeAtOnce(bytes) : 0;
  if (written < bytes.length) process.stdout.write(bytes.subarray(written));
}

/** How much of it a plain write took: all, but for pipes that others have made non-blocking. */
function writeAtOnce(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    if (systemErrorCode(error) === 'EPIPE') process.exit(0);
    return 0; // the stream tells what is wrong, or waits
  }
}
