import { Config } from '@oclif/core/config';
import { Help } from '@oclif/core/help';
import { HawserError } from '../errors/hawser-error.ts';
import { nearest } from '../util/nearest.ts';
import { asksForHelp } from './asks-for-help.ts';

/** Joins leading words into the longest command id: `image build .` → [`image:build`, [`.`]]. */
function splitCommand(config: Config, argv: readonly string[]): { id: string | undefined; rest: string[] } {
  for (let words = Math.min(argv.length, 3); words > 0; words--) {
    const id = argv.slice(0, words).join(':');
    if (config.findCommand(id) !== undefined) return { id, rest: argv.slice(words) };
  }
  return { id: undefined, rest: [...argv] };
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

/** Shows help, or the error of a command that there is none of; unbuilt, it runs the command. @throws what that throws */
export async function runByManifest(argv: readonly string[], root: string): Promise<void> {
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
