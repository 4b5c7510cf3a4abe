import type { DockerfileSource, LogicalLine, Word } from './source.ts';

/** `\` unless a directive says otherwise. */
export type EscapeToken = '\\' | '`';

export interface Directive {
  readonly name: 'syntax' | 'escape' | 'check';
  readonly value: string;
  readonly line: number;
}

/** The text between `<<NAME` and the line `NAME`. */
export interface Heredoc {
  readonly name: string;
  /** Digits before `<<`, else 0. */
  readonly fileDescriptor: number;
  /** False when any part of the name was quoted. */
  readonly expand: boolean;
  /** `<<-`: leading tabs do not count. They are still in `content`; see `heredocContent`. */
  readonly chomp: boolean;
  /** As written, each line with its end. */
  readonly content: string;
  /** The first line of the content. */
  readonly line: number;
}

/** A `name=value` of ENV and LABEL; quotes are kept until expansion. */
export interface Pair {
  readonly name: Word;
  readonly value: Word;
  /** Written as `ENV name value`. */
  readonly legacy: boolean;
}

/** An instruction before its meaning is looked at. */
export interface DockerfileNode {
  /** As written, in any case. */
  readonly keyword: Word;
  readonly flags: readonly Word[];
  readonly args: readonly Word[];
  /** ENV and LABEL only; `args` is empty then. */
  readonly pairs: readonly Pair[];
  /** The arguments were a JSON array. */
  readonly json: boolean;
  readonly heredocs: readonly Heredoc[];
  /** What ONBUILD triggers. */
  readonly trigger?: DockerfileNode;
  /** The comment lines right above it, without `#`; directives are none. */
  readonly comments: readonly string[];
  readonly line: LogicalLine;
  /** Where the arguments begin in `line.text`. */
  readonly restOffset: number;
}

export interface Dockerfile {
  readonly source: DockerfileSource;
  readonly escape: EscapeToken;
  readonly directives: readonly Directive[];
  readonly nodes: readonly DockerfileNode[];
  /** Instructions with an empty line after a continuation, for the rule NoEmptyContinuation. */
  readonly emptyContinuations: readonly DockerfileNode[];
}
