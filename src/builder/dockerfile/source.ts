import type { SourceLocation } from '../../errors/hawser-error.ts';
import { countWhere } from '../../util/count-where.ts';

/** A Dockerfile as it was read: its name and its physical lines, without their ends. */
export interface DockerfileSource {
  readonly file: string;
  readonly lines: readonly string[];
}

/** A piece of a logical line that stands in one physical line; line and column count from 1. */
interface Segment {
  /** Where it begins in the logical line. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** An instruction's line after continuations are joined, and where each part of it stands in the file. */
export interface LogicalLine {
  readonly source: DockerfileSource;
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly startLine: number;
  /** Last line of the instruction, its heredocs included. */
  readonly endLine: number;
}

/** A part of a logical line. `text` is what it means, which is not always what is written there (flags lose quotes). */
export interface Word {
  readonly text: string;
  /** Offsets in the text of the logical line; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

/** A place in the file; line and column count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A piece of the file; `end` is exclusive. */
export interface TextRange {
  readonly start: Position;
  readonly end: Position;
}

/** No excerpt shows more lines than this. */
const maximumExcerpt = 12;

/** Where `range` of a logical line stands: the whole instruction when left out. */
export function locationIn(
  line: LogicalLine,
  range?: { readonly start: number; readonly end: number },
): SourceLocation {
  if (range === undefined) return locationOfLines(line.source, line.startLine, line.endLine);
  const { start, end } = rangeIn(line, range);
  const first = line.source.lines[start.line - 1] ?? '';
  return {
    ...locationOfLines(line.source, start.line, end.line),
    column: start.column,
    endColumn: end.line === start.line ? Math.max(end.column, start.column + 1) : first.length + 1,
  };
}

/** The piece of the file that a part of a logical line comes from. */
export function rangeIn(
  line: LogicalLine,
  range: { readonly start: number; readonly end: number },
): TextRange {
  const start = positionAt(line, range.start, 'start');
  return { start, end: range.end <= range.start ? start : positionAt(line, range.end, 'end') };
}

/** Where whole lines stand, both inclusive. */
export function locationOfLines(
  source: DockerfileSource,
  startLine: number,
  endLine: number = startLine,
): SourceLocation {
  const excerpt = source.lines.slice(startLine - 1, Math.min(endLine, startLine + maximumExcerpt - 1));
  return { file: source.file, line: startLine, endLine: Math.max(startLine, endLine), excerpt };
}

/** Where the lines of a text begin. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) {
    starts.push(index + 1);
  }
  return starts;
}

function positionAt(line: LogicalLine, offset: number, side: 'start' | 'end'): Position {
  // the last segment that begins at the offset or before it; an end on a border belongs to the piece before
  const count = countWhere(line.segments, begin =>
    side === 'start' ? begin.offset <= offset : begin.offset < offset,
  );
  const found = line.segments[Math.max(0, count - 1)];
  if (found === undefined) return { line: line.startLine, column: 1 };
  return { line: found.line, column: found.column + offset - found.offset };
}
