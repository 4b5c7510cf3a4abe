import type { DockerfileNode } from '../ast.ts';
import type { DockerfileSource, Position } from '../source.ts';
import { lineStarts, rangeIn } from '../source.ts';
import type { Edit, Finding, Fix } from './finding.ts';

interface Span {
  readonly start: number;
  readonly end: number;
}

export function replaceIn(node: DockerfileNode, span: Span, text: string): Edit {
  return { ...rangeIn(node.line, span), text };
}

export function insertIn(node: DockerfileNode, offset: number, text: string): Edit {
  return replaceIn(node, { start: offset, end: offset }, text);
}

export function deleteLines(start: number, end: number = start): Edit {
  return { start: { line: start, column: 1 }, end: { line: end + 1, column: 1 }, text: '' };
}

export function safeFix(...edits: readonly Edit[]): { readonly fix: Fix } {
  return { fix: { edits, safe: true } };
}

/** A fix to show, which only the user can judge. */
export function shownFix(...edits: readonly Edit[]): { readonly fix: Fix } {
  return { fix: { edits, safe: false } };
}

function compare(left: Position, right: Position): number {
  return left.line - right.line || left.column - right.column;
}

/** Those that do not meet an earlier one of the list: two rules may want to mend one place. */
export function withoutOverlaps(fixes: readonly Fix[]): readonly Edit[] {
  const taken: Edit[] = [];
  for (const { edits } of fixes) {
    const free = edits.every(edit =>
      taken.every(other => compare(edit.end, other.start) <= 0 || compare(edit.start, other.end) >= 0),
    );
    const inserts = edits.some(edit => taken.some(other => compare(edit.start, other.start) === 0));
    if (free && !inserts) taken.push(...edits);
  }
  return taken;
}

/** The text with edits that do not overlap; line ends and a byte order mark stay as they are. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const mark = text.startsWith('\ufeff') ? 1 : 0;
  const [, ...starts] = lineStarts(text);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const offsetOf = ({ line, column }: Position) =>
    Math.min(text.length, (line === 1 ? mark : (starts[line - 2] ?? text.length)) + column - 1);
  let result = '';
  let copied = 0;
  for (const edit of edits.toSorted((left, right) => compare(left.start, right.start))) {
    result += text.slice(copied, offsetOf(edit.start)) + edit.text.replaceAll('\n', lineEnd);
    copied = offsetOf(edit.end);
  }
  return result + text.slice(copied);
}

/** What a fix makes of the lines that it touches; where that are several, up to the end of the finding. */
export function mendedLines(
  source: DockerfileSource,
  { fix, lines }: Pick<Finding, 'lines'> & { readonly fix: Fix },
): readonly string[] {
  const first = Math.min(...fix.edits.map(({ start }) => start.line));
  const touched = Math.max(
    ...fix.edits.map(({ start, end }) =>
      end.column === 1 && end.line > start.line ? end.line - 1 : end.line,
    ),
  );
  const last = touched > first ? Math.max(touched, lines.end) : touched;
  const old = source.lines.slice(first - 1, last).join('\n');
  const moved = fix.edits.map(edit => ({
    ...edit,
    start: { ...edit.start, line: edit.start.line - first + 1 },
    end: { ...edit.end, line: edit.end.line - first + 1 },
  }));
  const text = applyEdits(old, moved).replace(/\n$/, '');
  return text === '' ? [] : text.split('\n');
}
