import { Config, Help } from '@oclif/core';
import { HawserError } from '../errors/hawser-error.ts';
import { nearest } from '../util/nearest.ts';
import { type CommandTable, findBundledCommand, startCommand } from './start-command.ts';

/** Joins leading words into the longest command id: `image build .` → [`image:build`, [`.`]]. */
function splitCommand(config: Config, argv: readonly string[]): { id: string | undefined; rest: string[] } {
  for (let words = Math.min(argv.length, 3); words > 0; words--) {
    const id = argv.slice(0, words).join(':');
    if (config.findCommand(id) !== undefined) return { id, rest: argv.slice(words) };
  }
  return { id: undefined, rest: [...argv] };
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some(word => word === '--help' || word === '-h');
}

function unknownCommand(config: Config, argv: readonly string[]): HawserError {
  const words: string[] = [];
  for (const word of argv) {
    if (word.startsWith('-')) break;
    words.push(word);
  }
  const known = [...config.commandIDs, ...config.topics.map(topic => topic.name)];
  const [first = '', second = ''] = words;
  const inTopic = known.filter(id => id.startsWith(`${first}:`)).map(id => id.slice(first.length + 1));
  // Below a topic only the second word is compared: the first, right already, would make all of them look near.
  const sibling = nearest(second, inTopic);
  const elsewhere =
    inTopic.length > 0 ? undefined : (nearest(`${first}:${second}`, known) ?? nearest(first, known));
  const near = sibling === undefined ? elsewhere : `${first}:${sibling}`;
  return new HawserError('INVALID_ARGUMENT', `unknown command "hawser ${words.slice(0, 2).join(' ')}"`, {
    remedy:
      near === undefined
        ? inTopic.length > 0
          ? `See hawser ${first} --help.`
          : 'See hawser --help.'
        : `Did you mean "hawser ${near.replaceAll(':', ' ')}"?`,
  });
}

/**
 * Finds the command of `argv` and runs it. oclif's own `run` is not used, since it stops at the first unknown word
 * with a text of its own and takes `-h` of `container run -h NAME` for help.
 *
 * @throws whatever the command throws
 */
export async function runCommand(
  argv: readonly string[],
  options: { readonly root: string; readonly commands: CommandTable },
): Promise<void> {
  const { root } = options;
  const found = await findBundledCommand(argv, options.commands);
  if (found !== undefined && !asksForHelp(found, found.command.flags)) {
    await startCommand(found, root);
    return;
  }
  const config = await Config.load({ root });
  const { id, rest } = splitCommand(config, argv);
  const topic = argv.filter(word => !word.startsWith('-'));
  if (id === undefined) {
    const flag = argv.find(word => word !== '--help' && word !== '-h');
    if (topic.length === 0 && flag !== undefined) {
      throw new HawserError('INVALID_ARGUMENT', `unknown flag ${JSON.stringify(flag)}`, {
        remedy: 'See hawser --help.',
      });
    }
    const isTopic = config.findTopic(topic.join(':')) !== undefined;
    if (topic.length === 0 || topic[0] === 'help' || isTopic) {
      await new Help(config).showHelp(topic[0] === 'help' ? topic.slice(1) : topic);
      return;
    }
    throw unknownCommand(config, argv);
  }
  const command = config.findCommand(id, { must: true });
  if (asksForHelp({ id, rest }, command.flags)) {
    await new Help(config).showHelp(id.split(':'));
    return;
  }
  const loaded = await command.load();
  await loaded.run([...rest], config);
}

function asksForHelp(
  { id, rest }: { readonly id: string; readonly rest: readonly string[] },
  flags: Readonly<Record<string, { readonly char?: string }>> = {},
): boolean {
  const ownFlag = flags['hostname']?.char === 'h';
  return wantsHelp(ownFlag ? rest.filter(word => word !== '-h') : rest) && !passedThrough(id, rest);
}

/** Whether the help flag belongs to the program that `run` or `exec` starts: it comes after the first plain word. */
function passedThrough(id: string, rest: readonly string[]): boolean {
  if (!/^container:(run|create|exec)$/.test(id)) return false;
  const help = rest.findIndex(word => word === '--help' || word === '-h');
  return rest
    .slice(0, help)
    .some((word, index) => !word.startsWith('-') && !(rest[index - 1] ?? '').startsWith('-'));
}
