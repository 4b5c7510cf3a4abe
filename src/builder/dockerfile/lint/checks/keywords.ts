import type { Dockerfile, DockerfileNode } from '../../ast.ts';
import { readAssignment } from '../../directives.ts';
import { buildChecks } from '../build-checks.ts';
import { deleteLines, replaceIn, safeFix } from '../edits.ts';
import type { Linter } from '../linter.ts';

/** What can be told of an instruction before its meaning is known. */
export function checkNode(node: DockerfileNode, linter: Linter): void {
  switch (node.keyword.text.toLowerCase()) {
    case 'from':
      checkFrom(node, linter);
      break;
    case 'arg':
      checkDescription(node, 'ARG', linter);
      break;
    case 'maintainer':
      checkMaintainer(node, linter);
      break;
  }
}

function checkFrom(node: DockerfileNode, linter: Linter): void {
  const [, as, name] = node.args;
  if (as === undefined || name === undefined) return;
  if (name.text !== name.text.toLowerCase()) {
    linter.report(
      buildChecks.stageNameCasing,
      { node, range: name },
      {
        message: `Stage name '${name.text}' should be lowercase`,
        ...safeFix(replaceIn(node, name, name.text.toLowerCase())),
      },
    );
  }
  const from = node.keyword.text;
  const isLower = from === from.toLowerCase();
  const wanted = isLower ? as.text.toLowerCase() : as.text.toUpperCase();
  // a FROM in mixed case is a finding of its own
  if ((isLower || from === from.toUpperCase()) && as.text !== wanted) {
    linter.report(
      buildChecks.fromAsCasing,
      { node, range: as },
      {
        message: `'${as.text}' and '${from}' keywords' casing do not match`,
        ...safeFix(replaceIn(node, as, wanted)),
      },
    );
  }
  checkDescription(node, 'FROM', linter);
}

/** A comment right above is taken as the description of the stage or argument that it begins with. */
function checkDescription(node: DockerfileNode, keyword: 'FROM' | 'ARG', linter: Linter): void {
  const comment = descriptionsAbove(node).at(-1);
  const words =
    keyword === 'FROM' ? node.args.slice(2, 3).map(({ text }) => text.toLowerCase()) : argumentNames(node);
  const [first] = words;
  if (comment === undefined || first === undefined) return;
  if (words.includes(comment.split(' ', 1)[0] ?? '')) return;
  const example = words.length > 1 ? '<arg_key>' : first;
  linter.report(
    buildChecks.invalidDefinitionDescription,
    { node, range: node.keyword },
    {
      message: `Comment for ${keyword} should follow the format: \`# ${example} <description>\``,
      ...safeFix({
        start: { line: node.line.startLine, column: 1 },
        end: { line: node.line.startLine, column: 1 },
        text: '\n',
      }),
    },
  );
}

/** The comment lines right above, without those that configure checks. */
export function descriptionsAbove(node: DockerfileNode): readonly string[] {
  return node.comments.filter(comment => readAssignment(`#${comment}`)?.name.toLowerCase() !== 'check');
}

function argumentNames(node: DockerfileNode): readonly string[] {
  return node.args.map(({ text }) => text.split('=', 1)[0] ?? '');
}

function checkMaintainer(node: DockerfileNode, linter: Linter): void {
  const [name] = node.args;
  const place = { node, range: node.keyword };
  const message = 'Maintainer instruction is deprecated in favor of using label';
  if (name === undefined) return linter.report(buildChecks.maintainerDeprecated, place, { message });
  const keyword = node.keyword.text === node.keyword.text.toLowerCase() ? 'label' : 'LABEL';
  // quotes and escapes mean nothing in MAINTAINER
  const plain = !/["\\`$]/.test(name.text);
  const label = `${keyword} org.opencontainers.image.authors="${name.text}"`;
  const edit = replaceIn(node, { start: node.keyword.start, end: name.end }, label);
  linter.report(buildChecks.maintainerDeprecated, place, { message, ...(plain ? safeFix(edit) : {}) });
}

/** Blank lines behind a continuation; BuildKit marks the last line of the instruction. */
export function checkContinuations(dockerfile: Dockerfile, linter: Linter): void {
  for (const node of dockerfile.emptyContinuations) {
    const { startLine, endLine, source } = node.line;
    const last = node.heredocs[0] === undefined ? endLine : node.heredocs[0].line - 1;
    const blank: number[] = [];
    for (let line = startLine; line <= last; line++) {
      if ((source.lines[line - 1] ?? '').trim() === '') blank.push(line);
    }
    linter.report(
      buildChecks.noEmptyContinuation,
      { node, lines: { start: last, end: last } },
      { message: 'Empty continuation line', ...safeFix(...blank.map(line => deleteLines(line))) },
    );
  }
}
