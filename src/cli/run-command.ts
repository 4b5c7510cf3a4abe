import { asksForHelp } from './asks-for-help.ts';
import { type CommandTable, findBundledCommand, startCommand } from './start-command.ts';

/**
 * Finds the command of `argv` and runs it. oclif's own `run` is not used, since it stops at the first unknown word
 * with a text of its own and takes `-h` of `container run -h NAME` for help.
 *
 * @throws whatever the command throws
 */
export async function runCommand(
  argv: readonly string[],
  options: { readonly root: () => string; readonly commands: CommandTable },
): Promise<void> {
  const { root } = options;
  const found = await findBundledCommand(argv, options.commands);
  if (found !== undefined && !asksForHelp(found, found.command.flags)) {
    await startCommand(found, root);
    return;
  }
  const { runByManifest } = await import('./run-by-manifest.ts');
  await runByManifest(argv, root());
}
