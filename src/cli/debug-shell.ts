import type { DebugShell } from '../builder/execute/run-operation.ts';
import { HawserError } from '../errors/hawser-error.ts';

/** @throws HawserError INVALID_ARGUMENT where nobody could type into the shell */
export function requireTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new HawserError('INVALID_ARGUMENT', '--debug-shell needs a terminal, and there is none', {
    remedy: 'Run the build in a terminal, with its Dockerfile and context not on stdin.',
  });
}

/**
 * Opens a shell where a step has failed, one at a time.
 *
 * @param away Keeps the terminal free meanwhile.
 */
export function debugShell(away: <Result>(work: () => Promise<Result>) => Promise<Result>): DebugShell {
  let last: Promise<unknown> = Promise.resolve();
  return failed => {
    const shell = last.then(() =>
      away(async () => {
        const lines = [
          '',
          failed.message,
          `This shell is in the state before that step, with its mounts and variables. Nothing of it is kept.`,
          `The step again: ${failed.command}`,
          '',
        ];
        process.stderr.write(`${lines.join('\n')}\n`);
        await failed.open();
      }),
    );
    last = shell.catch(() => undefined);
    return shell;
  };
}
