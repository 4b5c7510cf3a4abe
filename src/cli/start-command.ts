import type { Config } from '@oclif/core';
import type { BaseCommand } from './base-command.ts';

interface CommandClass {
  new (argv: string[], config: Config): BaseCommand;
  readonly flags?: Readonly<Record<string, { readonly char?: string }>>;
  id: string;
}

/** Command id, or alias → its id and its module. Made by scripts/build.js; there is none where hawser runs unbuilt. */
export type CommandTable = Readonly<
  Record<string, { readonly id: string; readonly load: () => Promise<{ readonly default: CommandClass }> }>
>;

/** A command found without oclif's look at package, manifest, plugins and themes, which takes longer than a cached build. */
export interface FoundCommand {
  /** e.g. `image:build` */
  readonly id: string;
  /** The words after its name. */
  readonly rest: readonly string[];
  readonly command: CommandClass;
}

/** What a command asks of oclif's configuration while it runs; nothing hooks into ours. */
function bareConfig(root: () => string): Config {
  const config: Pick<Config, 'bin' | 'root' | 'runHook' | 'scopedEnvVarKeys'> = {
    bin: 'hawser',
    get root() {
      return root();
    },
    runHook: async () => ({ successes: [], failures: [] }),
    scopedEnvVarKeys: () => [],
  };
  return config as Config;
}

/** The command that the longest run of leading words names; undefined where none does. */
export async function findBundledCommand(
  argv: readonly string[],
  table: CommandTable,
): Promise<FoundCommand | undefined> {
  for (let words = Math.min(argv.length, 3); words > 0; words--) {
    const name = argv.slice(0, words).join(':');
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (entry === undefined) continue;
    const { default: command } = await entry.load();
    return { id: entry.id, rest: argv.slice(words), command };
  }
  return undefined;
}

/** Runs it. @throws whatever it throws */
export async function startCommand({ id, rest, command }: FoundCommand, root: () => string): Promise<void> {
  command.id = id;
  await new command([...rest], bareConfig(root)).start();
}
