import type { RunInstruction, StageInstruction } from '../../instructions.ts';
import { deleteLines, replaceIn, safeFix, shownFix } from '../edits.ts';
import type { Edit, Finding } from '../finding.ts';
import { adviceRules } from './advice-rules.ts';
import { continuationIndent } from './append-command.ts';
import { oneLine } from './one-line.ts';
import type { RunScript } from './run-script.ts';
import type { StageSurvey, Survey } from './survey.ts';

/** Commands that leave something in the shell which a later command would then find. */
const lasting = /^(?:cd|pushd|popd|export|set|unset|source|\.|exit|exec|umask|trap|alias|shopt|ulimit|eval)$/;

/** RUN lines of the image with nothing between them, which could be one layer. */
export function adviseMerges(survey: Survey): void {
  for (const stage of survey.chain) {
    for (const group of groupsOf(stage)) adviseGroup(group, survey);
  }
}

/** Runs of RUN lines with equal flags, two or more. */
function groupsOf({ stage, scripts }: StageSurvey): readonly (readonly RunScript[])[] {
  const scriptOf = new Map<StageInstruction, RunScript>(scripts.map(script => [script.line, script]));
  const groups: RunScript[][] = [];
  let open: RunScript[] = [];
  for (const line of stage.instructions) {
    const script = scriptOf.get(line);
    const previous = open.at(-1);
    if (hasOwnConfig(line)) open = [];
    const fits =
      script?.inLine === true && (previous === undefined || flagsOf(previous.line) === flagsOf(script.line));
    if (!fits) open = [];
    if (script?.inLine !== true) continue;
    if (open.length === 0) groups.push(open);
    open.push(script);
  }
  return groups.filter(group => group.length > 1);
}

/** What `# check=` says of one RUN is not for the others. */
function hasOwnConfig({ node }: StageInstruction): boolean {
  return node.comments.some(comment => /^check\s*=/i.test(comment));
}

function flagsOf({ node }: RunInstruction): string {
  return node.flags.map(({ text }) => text).join(' ');
}

function adviseGroup(group: readonly RunScript[], { linter }: Survey): void {
  const [first] = group;
  const last = group.at(-1);
  if (first === undefined || last === undefined) return;
  const place = {
    node: first.line.node,
    range: first.line.node.keyword,
    lines: { start: first.line.node.line.startLine, end: last.line.node.line.endLine },
  };
  linter.report(adviceRules.mergeableRuns, place, {
    message: `${group.length} RUN lines in a row make ${group.length} layers where one would do`,
    ...remedyOf(group),
  });
}

function remedyOf(group: readonly RunScript[]): Pick<Finding, 'fix' | 'hint' | 'mended'> {
  const edits = (join: Join) =>
    group.slice(1).flatMap((script, index) => joint(group[index] as RunScript, script, join));
  if (group.every(({ shell }) => shell.isChain)) {
    const isSafe = !group.some(({ steps }) => steps.some(isLasting));
    return isSafe ? safeFix(...edits('&&')) : shownFix(...edits('&&'));
  }
  // behind `set -e` a failure ends the script wherever it happens
  if (group.every(stopsAtFailure)) return shownFix(...edits(';'));
  return { hint: 'Put them into one that stops at the first failure:', mended: heredocOf(group) };
}

function heredocOf(group: readonly RunScript[]): readonly string[] {
  const flags = (group[0]?.line.node.flags ?? []).map(({ text }) => `${text} `).join('');
  const commands = group.map(({ line }) => oneLine(line.command.words.join(' ')));
  return [`RUN ${flags}<<EOF`, 'set -e', ...commands, 'EOF'];
}

type Join = '&&' | ';';

function isLasting({ program }: { readonly program: string }): boolean {
  return lasting.test(program);
}

function stopsAtFailure({ steps: [first], shell }: RunScript): boolean {
  return first?.program === 'set' && /^set\s+-[a-z]*e/.test(shell.text);
}

/** Makes the second RUN a continuation of the first; comments between them stay where they are. */
function joint(first: RunScript, second: RunScript, join: Join): readonly Edit[] {
  const { node } = second.line;
  const { source } = node.line;
  const start = node.args[0]?.start ?? node.restOffset;
  const indent = continuationIndent(first.line);
  const end = first.shell.text.trimEnd().length;
  const edits = [
    first.insert(end, join === ';' ? `; ${first.escape}` : ` ${first.escape}`),
    replaceIn(node, { start: node.keyword.start, end: start }, join === ';' ? indent : `${indent}&& `),
  ];
  for (let line = first.line.node.line.endLine + 1; line < node.line.startLine; line++) {
    if ((source.lines[line - 1] ?? '').trim() === '') edits.push(deleteLines(line));
  }
  return edits;
}
