import type { CheckResult } from '../builder/dockerfile/lint/check.ts';
import { mendedLines } from '../builder/dockerfile/lint/edits.ts';
import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { DockerfileSource } from '../builder/dockerfile/source.ts';
import { renderLocation } from './report-error.ts';

export interface LintedText extends Pick<CheckResult, 'findings' | 'error'> {
  readonly file: string;
  readonly text: string;
}

function sourceOf({ file, text }: LintedText): DockerfileSource {
  return { file, lines: text.replace(/^\ufeff/, '').split(/\r?\n/) };
}

/** The lines to write instead, or for another file. */
function mendedOf({ fix, mended, lines }: Finding, source: DockerfileSource): readonly string[] {
  if (mended !== undefined) return mended;
  return fix === undefined ? [] : mendedLines(source, { fix, lines });
}

/** A paragraph each: what, where with a caret, and what to write; then how many there are. */
export function lintLines(linted: LintedText): readonly string[] {
  const { findings } = linted;
  const source = sourceOf(linted);
  return [...findings.flatMap(finding => [...findingLines(finding, source), '']), ...summary(findings)];
}

function findingLines(finding: Finding, source: DockerfileSource): readonly string[] {
  const { rule, message, location, hint, fix } = finding;
  const place = [location.file, location.line, location.column].filter(part => part !== undefined).join(':');
  const mended = mendedOf(finding, source);
  const isDeletion = mended.length === 0 && fix !== undefined;
  const title = isDeletion ? 'Remove it.' : mended.length > 0 ? 'Write:' : undefined;
  return [
    `${place}: ${message} [${rule.name}]`,
    ...renderLocation(location).slice(1),
    ...(hint === undefined ? (title === undefined ? [] : [`  ${title}`]) : [`  ${hint}`]),
    ...mended.map(line => (line === '' ? '' : `    ${line}`)),
    ...(rule.url === undefined ? [] : [`  ${rule.url}`]),
  ];
}

function summary(findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return ['Nothing found.'];
  const fixable = findings.filter(({ fix }) => fix?.safe === true).length;
  const what = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  if (fixable === 0) return [`${what}.`];
  return [`${what}; --fix writes ${fixable} of them.`];
}

/** One object for a program to read. Lines and columns count from 1; `endColumn` is exclusive. */
export function lintJson(linted: LintedText): string {
  const source = sourceOf(linted);
  const { error } = linted;
  const value = {
    file: linted.file,
    findings: linted.findings.map(finding => {
      const { rule, message, location, hint, fix, lines } = finding;
      return {
        rule: rule.name,
        kind: rule.advice === true ? 'advice' : 'check',
        description: rule.description,
        ...(rule.url === undefined ? {} : { url: rule.url }),
        message,
        line: location.line,
        ...(location.column === undefined ? {} : { column: location.column }),
        endLine: location.endLine ?? location.line,
        ...(location.endColumn === undefined ? {} : { endColumn: location.endColumn }),
        instruction: { startLine: lines.start, endLine: lines.end },
        ...(hint === undefined ? {} : { hint }),
        mended: mendedOf(finding, source),
        fixable: fix?.safe === true,
      };
    }),
    ...(error === undefined
      ? {}
      : {
          error: {
            code: error.code,
            message: error.message,
            ...(error.location === undefined
              ? {}
              : { line: error.location.line, column: error.location.column }),
            ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
          },
        }),
  };
  return JSON.stringify(value, undefined, 2);
}
