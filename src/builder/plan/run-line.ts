import { heredocContent, parseHeredocMark } from '../dockerfile/heredoc.ts';
import type { CommandLine, RunInstruction } from '../dockerfile/instructions.ts';
import type { RunScript } from '../execute/run-operation.ts';
import type { StageDraft } from './stage-draft.ts';

const defaultShell: readonly string[] = ['/bin/sh', '-c'];

/** The words of CMD, ENTRYPOINT and RUN with the shell in force, where they are a line for one. */
export function commandWords(command: CommandLine, draft: StageDraft): readonly string[] {
  if (!command.shell || command.words.length === 0) return command.words;
  const shell = draft.config.Shell ?? [];
  return [...(shell.length > 0 ? shell : defaultShell), ...command.words];
}

/** What RUN executes; a here-document is the shell's text, or a program where it begins with `#!`. */
export function runWords(
  instruction: RunInstruction,
  draft: StageDraft,
): { readonly args: readonly string[]; readonly script?: RunScript } {
  const { command, heredocs } = instruction;
  const [first] = heredocs;
  if (first === undefined) return { args: commandWords(command, draft) };
  const line = command.words[0] ?? '';
  const body = heredocContent(first);
  if (heredocs.length > 1 || parseHeredocMark(line) === undefined) {
    const whole = heredocs.reduce((text, { content, name }) => `${text}\n${content}${name}`, line);
    return { args: commandWords({ shell: true, words: [whole] }, draft) };
  }
  if (body.startsWith('#!')) {
    const path = `/dev/pipes/${first.name}`;
    return { args: [path], script: { path, content: body } };
  }
  return { args: commandWords({ shell: true, words: [body] }, draft) };
}

/** The text of RUN in the history: the declared arguments with their values, then the words. */
export function runHistory(args: readonly string[], draft: StageDraft): string {
  const values = new Map<string, string>();
  for (const { name, value } of draft.buildArguments) {
    values.set(name, draft.variables.get(name) ?? value ?? '');
  }
  const prefix =
    values.size === 0 ? [] : [`|${values.size}`, ...[...values].map(([name, value]) => `${name}=${value}`)];
  return `RUN ${[...prefix, ...args].join(' ')} # buildkit`;
}

const proxyNames: ReadonlySet<string> = new Set([
  'http_proxy',
  'https_proxy',
  'ftp_proxy',
  'no_proxy',
  'all_proxy',
]);

/** Build arguments that every RUN sees without declaring them. */
export function proxySettings(buildArgs: Readonly<Record<string, string>>): readonly string[] {
  const settings: string[] = [];
  for (const [name, value] of Object.entries(buildArgs)) {
    if (!isProxy(name)) continue;
    settings.push(`${name.toLowerCase()}=${value}`, `${name.toUpperCase()}=${value}`);
  }
  return settings;
}

function isProxy(name: string): boolean {
  return proxyNames.has(name.toLowerCase());
}

/** ENV and ARG as RUN sees them, without the proxies, which do not count for the cache. */
export function runEnvironment(draft: StageDraft): readonly string[] {
  return [...draft.variables].filter(([name]) => !isProxy(name)).map(([name, value]) => `${name}=${value}`);
}
