import type { DockerfileNode } from '../../ast.ts';
import type { Program } from '../../stages.ts';
import { buildChecks } from '../build-checks.ts';
import { replaceIn, safeFix } from '../edits.ts';
import type { Linter } from '../linter.ts';

/** All instructions from the first FROM on should be written as most of them are. */
export function checkCasing(program: Program, linter: Linter): void {
  const nodes = program.stages.flatMap(({ from, instructions }) => [
    from.node,
    ...instructions.map(({ node }) => node),
  ]);
  const lower = nodes.filter(({ keyword: { text } }) => text === text.toLowerCase()).length;
  const upper = nodes.filter(({ keyword: { text } }) => text === text.toUpperCase()).length;
  for (const node of nodes) checkKeyword(node, lower > upper, linter);
}

function checkKeyword(node: DockerfileNode, isLower: boolean, linter: Linter): void {
  const { text } = node.keyword;
  const wanted = isLower ? text.toLowerCase() : text.toUpperCase();
  if (text === wanted) return;
  const casing = isLower ? 'lowercase' : 'uppercase';
  linter.report(
    buildChecks.consistentInstructionCasing,
    { node, range: node.keyword },
    {
      message: `Command '${text}' should match the case of the command majority (${casing})`,
      ...safeFix(replaceIn(node, node.keyword, wanted)),
    },
  );
}
