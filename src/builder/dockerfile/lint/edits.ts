import type { DockerfileNode } from '../ast.ts';
import { rangeIn } from '../source.ts';
import type { Edit, Fix } from './finding.ts';

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
