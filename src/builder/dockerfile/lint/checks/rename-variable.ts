import type { DockerfileNode } from '../../ast.ts';
import type { Word } from '../../source.ts';
import { replaceIn, shownFix } from '../edits.ts';
import type { Fix } from '../finding.ts';

/** Writes another variable in place of `name`, wherever the word as it is written has it. */
export function renameVariable(
  node: DockerfileNode,
  change: { readonly word: Word; readonly name: string; readonly to: string },
): { readonly fix: Fix } | undefined {
  const { word, name, to } = change;
  const written = node.line.text.slice(word.start, word.end);
  const pattern = new RegExp(`\\$(\\{?)${name.replace(/[^\w]/g, String.raw`\$&`)}(?![\\p{L}\\p{Nd}_])`, 'gu');
  const edits = [...written.matchAll(pattern)].map(match => {
    const start = word.start + match.index + 1 + (match[1] ?? '').length;
    return replaceIn(node, { start, end: start + name.length }, to);
  });
  return edits.length === 0 ? undefined : shownFix(...edits);
}
