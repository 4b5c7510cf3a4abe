import { existsSync } from 'node:fs';
import { git } from '../builder/remote/git-program.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';

/**
 * When the last commit of the repository that a folder lies in was made, in seconds since 1970.
 *
 * @throws HawserError INVALID_ARGUMENT where there is none, REQUIREMENT_MISSING
 */
export async function commitTime(folder: string, signal: AbortSignal): Promise<number> {
  const none = (cause?: unknown) =>
    new HawserError(
      'INVALID_ARGUMENT',
      `--timestamp git: ${JSON.stringify(folder)} is in no git repository`,
      {
        cause,
        remedy: 'Give --timestamp a number of seconds since 1970.',
      },
    );
  if (!existsSync(folder)) throw none();
  try {
    const time = await git(['log', '-1', '--format=%ct'], { workTree: folder, from: 'folder', signal });
    return Number(time.trim());
  } catch (error) {
    throw isHawserError(error, 'DOWNLOAD_FAILED') ? none(error) : error;
  }
}
