import type { SourceLocation } from '../../../errors/hawser-error.ts';
import type { TextRange } from '../source.ts';
import type { LintRule } from './rule.ts';

/** Replaces a piece of the file. */
export interface Edit extends TextRange {
  readonly text: string;
}

/** How a finding can be mended. */
export interface Fix {
  readonly edits: readonly Edit[];
  /** The image is the same with it, but for what the rule is about; so `--fix` writes it. */
  readonly safe: boolean;
}

/** A place where a rule is not kept. */
export interface Finding {
  readonly rule: LintRule;
  readonly message: string;
  /** The instruction's lines, both inclusive: what BuildKit marks. */
  readonly lines: { readonly start: number; readonly end: number };
  /** The word that is meant, or else the lines. */
  readonly location: SourceLocation;
  /** What to do, in a sentence. */
  readonly hint?: string;
  readonly fix?: Fix;
  /** Lines to write where no edit can say it: with names to fill in, or for another file. */
  readonly mended?: readonly string[];
}
