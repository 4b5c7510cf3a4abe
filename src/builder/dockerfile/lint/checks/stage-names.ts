import type { Program } from '../../stages.ts';
import { buildChecks } from '../build-checks.ts';
import { replaceIn, shownFix } from '../edits.ts';
import type { Linter } from '../linter.ts';

const reserved: readonly string[] = ['context', 'scratch'];

export function checkStageNames(program: Program, linter: Linter): void {
  const seen = new Set<string>();
  for (const { from, name } of program.stages) {
    if (name === undefined) continue;
    const word = from.node.args[2];
    const place = { node: from.node, range: word };
    const quoted = JSON.stringify(name);
    if (reserved.includes(name)) {
      linter.report(buildChecks.reservedStageName, place, {
        message: `Stage name should not use the same name as reserved stage ${quoted}`,
        hint: 'Choose another name:',
        ...(word === undefined ? {} : shownFix(replaceIn(from.node, word, `${name}-stage`))),
      });
    }
    if (seen.has(name)) {
      linter.report(buildChecks.duplicateStageName, place, {
        message: `Duplicate stage name ${quoted}, stage names should be unique`,
        hint: 'Choose another name, since lines below mean the last stage of that name:',
        ...(word === undefined ? {} : shownFix(replaceIn(from.node, word, `${name}-2`))),
      });
    }
    seen.add(name);
  }
}
