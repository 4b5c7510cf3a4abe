import { parseShell } from './parse-shell.ts';

/** What only a shell can do. */
const builtins: ReadonlySet<string> = new Set(
  '. : alias bg break cd command continue declare eval exec exit export fg hash jobs let local read readonly return set shift source times trap type ulimit umask unalias unset wait'.split(
    ' ',
  ),
);

/** The words of a line that needs no shell: one program with its arguments. Undefined for any other. */
export function plainWords(line: string): readonly string[] | undefined {
  const script = parseShell(line);
  const [command, ...more] = script.commands;
  if (command === undefined || more.length > 0 || !script.isChain) return undefined;
  if (command.assignments.length > 0 || builtins.has(command.words[0]?.raw ?? '')) return undefined;
  const values = command.words.map(({ value, raw, quoted }) => {
    const needsShell = !quoted && /[*?[\]~<>{}!]/.test(raw);
    return needsShell ? undefined : value;
  });
  return values.every(value => value !== undefined) ? values : undefined;
}
