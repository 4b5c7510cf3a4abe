import type { DockerfileNode } from '../ast.ts';

/** What a comment right above says of a stage or an argument: `# name description`. */
export function descriptionOf(node: DockerfileNode, name: string): string | undefined {
  const comment = name === '' ? undefined : node.comments.find(text => text.startsWith(`${name} `));
  return comment?.slice(name.length + 1);
}
