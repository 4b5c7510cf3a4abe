import type { Edit } from '../finding.ts';
import type { RunScript } from './run-script.ts';

/**
 * Adds `&& command` behind the last one of a RUN, on a line of its own where the RUN has several. Undefined where the
 * exit codes of the RUN would come to mean something else.
 */
export function appendCommand(
  { line, shell, steps, inLine, escape, insert }: RunScript,
  command: string,
): Edit | undefined {
  const ends = steps.some(({ command }) => /^(?:exec|exit)$/.test(command.words[0]?.raw ?? ''));
  if (!inLine || !shell.isChain || ends) return undefined;
  const end = shell.text.trimEnd().length;
  if (line.node.line.segments.length < 2) return insert(end, ` && ${command}`);
  return insert(end, ` ${escape}\n${continuationIndent(line)}&& ${command}`);
}

/** What the last line of a RUN begins with, where it continues one; else four blanks. */
export function continuationIndent({ node }: RunScript['line']): string {
  const { source, segments } = node.line;
  const last = segments.at(-1);
  if (last === undefined || segments.length < 2) return '    ';
  const indent = /^[ \t]*/.exec(source.lines[last.line - 1] ?? '')?.[0] ?? '';
  return indent === '' ? '    ' : indent;
}
