import { countWhere } from '../../../../util/count-where.ts';
import type { EscapeToken } from '../../ast.ts';
import { heredocContent, parseHeredocMark } from '../../heredoc.ts';
import type { RunInstruction } from '../../instructions.ts';
import type { Position, Word } from '../../source.ts';
import { lineStarts, rangeIn } from '../../source.ts';
import type { Edit } from '../finding.ts';
import type { Place } from '../linter.ts';
import type { Invocation } from '../shell/invocation.ts';
import { invocationOf } from '../shell/invocation.ts';
import type { ShellCommand, ShellScript } from '../shell/parse-shell.ts';
import { parseShell } from '../shell/parse-shell.ts';

/** What a RUN gives to the shell: its line, or the body of its heredoc. */
export interface RunScript {
  readonly line: RunInstruction;
  readonly shell: ShellScript;
  /** What continues lines in the file. */
  readonly escape: EscapeToken;
  /** It stands on the RUN line itself, and can be added to. */
  readonly inLine: boolean;
  readonly steps: readonly RunStep[];
  /** Puts a text into the file at an offset of the script. */
  insert(offset: number, text: string): Edit;
  replace(span: { readonly start: number; readonly end: number }, text: string): Edit;
  place(span: { readonly start: number; readonly end: number }): Place;
}

export interface RunStep extends Invocation {
  readonly command: ShellCommand;
}

/** The script of a RUN in shell form; undefined for the exec form and for programs of other languages. */
export function runScriptOf(line: RunInstruction, escape: EscapeToken): RunScript | undefined {
  const { command, heredocs, node } = line;
  const [argument] = node.args;
  if (!command.shell || argument === undefined) return undefined;
  const [heredoc] = heredocs;
  if (heredoc === undefined) return inLineScript(line, argument, escape);
  const single = heredocs.length === 1 && parseHeredocMark(argument.text) !== undefined;
  const interpreter = /^#!\s*(\S+)/.exec(heredocContent(heredoc))?.[1];
  if (!single || (interpreter !== undefined && !/(?:^|\/)(?:ba|da|a)?sh$/.test(interpreter)))
    return undefined;
  return heredocScript(line, { text: heredoc.content, first: heredoc.line, escape });
}

function stepsOf({ commands }: ShellScript): readonly RunStep[] {
  return commands.flatMap(command => {
    const invocation = invocationOf(command);
    return invocation === undefined ? [] : [{ ...invocation, command }];
  });
}

function inLineScript(line: RunInstruction, argument: Word, escape: EscapeToken): RunScript {
  const shell = parseShell(argument.text);
  const { node } = line;
  const moved = ({ start, end }: { readonly start: number; readonly end: number }) => ({
    start: argument.start + start,
    end: argument.start + end,
  });
  const replace: RunScript['replace'] = (span, text) => ({ ...rangeIn(node.line, moved(span)), text });
  return {
    line,
    escape,
    shell,
    inLine: true,
    steps: stepsOf(shell),
    replace,
    // behind the text before it, which a continuation may part from what follows
    insert(offset, text) {
      const at = rangeIn(node.line, moved({ start: Math.max(0, offset - 1), end: offset })).end;
      return { start: at, end: at, text };
    },
    place: span => ({ node, range: moved(span) }),
  };
}

function heredocScript(
  line: RunInstruction,
  body: { readonly text: string; readonly first: number; readonly escape: EscapeToken },
): RunScript {
  const shell = parseShell(body.text);
  const starts = lineStarts(body.text);
  const positionOf = (offset: number): Position => {
    const lines = countWhere(starts, start => start <= offset);
    return { line: body.first + lines - 1, column: offset - (starts[lines - 1] ?? 0) + 1 };
  };
  const replace: RunScript['replace'] = ({ start, end }, text) => ({
    start: positionOf(start),
    end: positionOf(end),
    text,
  });
  return {
    line,
    escape: body.escape,
    shell,
    inLine: false,
    steps: stepsOf(shell),
    replace,
    insert: (offset, text) => replace({ start: offset, end: offset }, text),
    place: ({ start, end }) => ({ node: line.node, at: { start: positionOf(start), end: positionOf(end) } }),
  };
}
