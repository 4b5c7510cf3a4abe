import { hawserVersion } from '../util/version.ts';
import { reportError } from './report-error.ts';
import type { CommandTable } from './start-command.ts';
import { forgiveLostReader } from './stdout.ts';

/** The folder of package.json, from dist/ and from src/cli/ alike. */
function packageRoot(): string {
  return new URL(import.meta.url.includes('/src/cli/') ? '../..' : '..', import.meta.url).pathname;
}

/** Runs one command line; sets the exit code and never throws. */
export async function main(argv: readonly string[], commands: CommandTable = {}): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    process.stdout.write(`hawser version ${hawserVersion}\n`);
    return;
  }
  forgiveLostReader();
  try {
    if (process.getuid?.() !== 0) {
      const { enterUserNamespace } = await import('./enter-user-namespace.ts');
      const code = await enterUserNamespace(argv);
      if (code !== undefined) {
        process.exitCode = code;
        return;
      }
    }
    const { runCommand } = await import('./run-command.ts');
    await runCommand(argv, { root: packageRoot, commands });
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
