import type { Dockerfile, DockerfileNode } from '../../../src/builder/dockerfile/ast.ts';

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** Go's strconv.Quote, as far as the corpora need it. */
function quote(text: string): string {
  const body = Array.from(text, character => {
    const code = character.codePointAt(0) ?? 0;
    const plain = code >= 0x20 && code !== 0x7f ? character : `\\x${code.toString(16).padStart(2, '0')}`;
    return escapes[character] ?? plain;
  });
  return `"${body.join('')}"`;
}

function dumpNode(node: DockerfileNode): string {
  const parts = [node.keyword.text.toLowerCase()];
  if (node.flags.length > 0) parts.push(`[${node.flags.map(flag => quote(flag.text)).join(' ')}]`);
  if (node.trigger !== undefined) parts.push(`(${dumpNode(node.trigger)})`);
  for (const argument of node.args) parts.push(quote(argument.text));
  for (const pair of node.pairs) {
    parts.push(quote(pair.name.text), quote(pair.value.text), quote(pair.legacy ? '' : '='));
  }
  return parts.join(' ').trim();
}

/** The S-expressions that the reference parser prints, a line for each instruction. */
export function dump(dockerfile: Dockerfile): string {
  return dockerfile.nodes.map(node => `(${dumpNode(node)})\n`).join('');
}
