import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

const packages = { bzip2: 'bzip2', xz: 'xz-utils' } as const;

/** `bzip2` and `xz` of the system, decompressing. Only ADD meets these; layers are never compressed so. */
export async function* runFilter(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  program: 'bzip2' | 'xz',
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let message = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(0, 1000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const feeding = pipeline(Readable.from(source), child.stdin).then(
    () => undefined,
    // When the program ends early its exit code says why; anything else comes from the source.
    (error: unknown) => (systemErrorCode(error) === 'EPIPE' ? undefined : error),
  );
  ended.catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const code = await ended;
    const failure = await feeding;
    if (failure !== undefined) throw failure;
    if (code !== 0)
      throw new HawserError('COMPRESSION_INVALID', `the ${program} data is broken: ${message.trim()}`);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new HawserError('REQUIREMENT_MISSING', `${program} is not installed, and the archive needs it`, {
      remedy: `Install it, on Debian: apt-get install ${packages[program]}.`,
      cause: error,
    });
  } finally {
    child.kill();
  }
}
