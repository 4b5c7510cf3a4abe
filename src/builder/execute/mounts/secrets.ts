import { open } from 'node:fs/promises';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';

/** `--secret`: where the secret of an id comes from. */
export type SecretSource =
  | { readonly id: string; readonly file: string }
  /** A variable of hawser's own environment. */
  | { readonly id: string; readonly env: string };

/** As in BuildKit. */
const MAX_SECRET = 500 * 1024;

/**
 * The secret `id`; undefined where none was given.
 *
 * @throws HawserError SECRET_UNKNOWN for a file that cannot be read, SIZE_INVALID
 */
export async function readSecret(
  sources: readonly SecretSource[],
  id: string,
): Promise<Uint8Array | undefined> {
  const source = sources.findLast(candidate => candidate.id === id);
  if (source === undefined) return undefined;
  if ('env' in source) {
    const value = process.env[source.env];
    return value === undefined ? undefined : checkSize(id, Buffer.from(value));
  }
  return checkSize(id, await readSecretFile(id, source.file));
}

async function readSecretFile(id: string, file: string): Promise<Uint8Array> {
  try {
    // One byte more than allowed tells that it is too large, also of a file that has no size.
    const handle = await open(file, 'r');
    try {
      const content = Buffer.alloc(MAX_SECRET + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < content.length; length += read)
        read = (await handle.read(content, length, content.length - length, null)).bytesRead;
      return content.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new HawserError(
      'SECRET_UNKNOWN',
      `cannot read ${file} for the secret ${id}: ${systemErrorCode(error)}`,
      { cause: error, remedy: 'Check the src of --secret.' },
    );
  }
}

function checkSize(id: string, content: Uint8Array): Uint8Array {
  if (content.length <= MAX_SECRET) return content;
  throw new HawserError('SIZE_INVALID', `the secret ${id} has more than ${MAX_SECRET} bytes`, {
    remedy: 'Use a bind mount from --build-context for large files.',
  });
}
