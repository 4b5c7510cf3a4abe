import type { DockerfileNode, Pair } from '../../ast.ts';
import type { ArgInstruction, EnvInstruction, LabelInstruction } from '../../instructions.ts';
import type { Word } from '../../source.ts';
import { isSpace } from '../../space.ts';
import { splitQuotedWords } from '../../words.ts';
import { buildChecks } from '../build-checks.ts';
import { insertIn, replaceIn, safeFix } from '../edits.ts';
import type { Fix } from '../finding.ts';
import type { LineWork } from './line-work.ts';

type ScopeWork = Pick<LineWork, 'scope' | 'linter'>;

const secret = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const noSecret = /(?:_|^)public(?:_|$)/i;

export function checkEnv(line: EnvInstruction, work: ScopeWork): void {
  const { scope, linter } = work;
  const values = line.pairs.map(pair => {
    const name = scope.expand(line.node, pair.name, linter)?.text ?? pair.name.text;
    return [pair, name, scope.expand(line.node, pair.value, linter)?.text ?? ''] as const;
  });
  for (const [pair, name, value] of values) {
    checkLegacy(line.node, pair, work);
    checkSecret(line.node, { keyword: 'ENV', name, word: pair.name }, work);
    scope.variables.set(name, value);
  }
}

export function checkLabel(line: LabelInstruction, work: LineWork): void {
  for (const pair of line.pairs) {
    work.scope.expand(line.node, pair.name, work.linter);
    work.scope.expand(line.node, pair.value, work.linter);
    checkLegacy(line.node, pair, work);
  }
}

export function checkArg(
  line: ArgInstruction,
  work: ScopeWork & Pick<LineWork, 'buildArgs' | 'globals'>,
): void {
  const { scope, buildArgs, globals, linter } = work;
  for (const { name, value } of line.args) {
    checkSecret(line.node, { keyword: 'ARG', name: name.text, word: name }, work);
    const given = Object.hasOwn(buildArgs, name.text) ? buildArgs[name.text] : undefined;
    const expanded =
      given ?? (value === undefined ? globals.get(name.text) : scope.expand(line.node, value, linter)?.text);
    if (expanded !== undefined) scope.variables.set(name.text, expanded);
    scope.declared.add(name.text);
  }
}

function checkSecret(
  node: DockerfileNode,
  use: { readonly keyword: 'ARG' | 'ENV'; readonly name: string; readonly word: Word },
  { linter }: ScopeWork,
): void {
  const { keyword, name, word } = use;
  if (!secret.test(name) || noSecret.test(name)) return;
  linter.report(
    buildChecks.secretsUsedInArgOrEnv,
    { node, range: word },
    {
      message: `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(name)})`,
      hint: `Build with --secret id=${name}; the value is then in no layer and no history:`,
      mended: [`RUN --mount=type=secret,id=${name},env=${name} COMMAND`],
    },
  );
}

function checkLegacy(node: DockerfileNode, pair: Pair, { linter, scope }: ScopeWork): void {
  if (!pair.legacy) return;
  const keyword = node.keyword.text;
  const fix = modernPair(node, pair, scope.escape);
  linter.report(
    buildChecks.legacyKeyValueFormat,
    { node, range: { start: pair.name.start, end: pair.value.end } },
    {
      message: `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
      ...(fix ?? {
        hint: 'Put the value into quotes, and an escape before those in it:',
        mended: [`${keyword} ${pair.name.text}="VALUE"`],
      }),
    },
  );
}

/** `name=value`, quoted where the value has blanks; undefined where quotes in it would come to mean something else. */
function modernPair(
  node: DockerfileNode,
  { name, value }: Pair,
  escape: '\\' | '`',
): { readonly fix: Fix } | undefined {
  const span = { text: node.line.text, start: value.start, end: value.end };
  const gap = (text: string) => replaceIn(node, { start: name.end, end: value.start }, text);
  if (splitQuotedWords(span, escape).length === 1) return safeFix(gap('='));
  const hasQuotes = /["'\\`]/.test(value.text);
  const hasBlanks = [...value.text].some(character => isSpace(character.charCodeAt(0)));
  if (hasQuotes || !hasBlanks) return undefined;
  return safeFix(gap('="'), insertIn(node, value.end, '"'));
}
