import { hawserVersion } from '../util/version.ts';
import { reportError } from './report-error.ts';
import type { CommandTable } from './start-command.ts';

/** The folder of package.json, from dist/ and from src/cli/ alike. */
function packageRoot(): string {
  return new URL(import.meta.url.includes('/src/cli/') ? '../..' : '..', import.meta.url).pathname;
}

/** Node makes the stream when it is first asked for; a cached build that says one line goes without. */
function whenStdoutIsUsed(prepare: (stdout: NodeJS.WriteStream) => void): void {
  const { get, ...rest } = Object.getOwnPropertyDescriptor(process, 'stdout') ?? {};
  if (get === undefined) {
    prepare(process.stdout);
    return;
  }
  let stdout: NodeJS.WriteStream | undefined;
  Object.defineProperty(process, 'stdout', {
    ...rest,
    get() {
      if (stdout === undefined) {
        stdout = get.call(process) as NodeJS.WriteStream;
        prepare(stdout);
      }
      return stdout;
    },
  });
}

/** A reader that goes away (`hawser image ls | head`) is no error. */
function forgiveLostReader(stdout: NodeJS.WriteStream): void {
  stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** Runs one command line; sets the exit code and never throws. */
export async function main(argv: readonly string[], commands: CommandTable = {}): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    process.stdout.write(`hawser version ${hawserVersion}\n`);
    return;
  }
  whenStdoutIsUsed(forgiveLostReader);
  try {
    const { runCommand } = await import('./run-command.ts');
    await runCommand(argv, { root: packageRoot(), commands });
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
