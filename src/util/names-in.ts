import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { systemErrorCode } from '../errors/hawser-error.ts';

function nothingIfMissing(error: unknown): readonly string[] {
  if (systemErrorCode(error) === 'ENOENT') return [];
  throw error;
}

/** The names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    return nothingIfMissing(error);
  }
}

/** As `namesIn`, at once: for what every command looks at, and mostly finds empty. */
export function namesInSync(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    return nothingIfMissing(error);
  }
}
