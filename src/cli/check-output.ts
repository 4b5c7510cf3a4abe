import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { HawserError } from '../errors/hawser-error.ts';

/* What `--check` prints, in BuildKit's forms: tools read it. */

export interface CheckedText {
  readonly file: string;
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly error?: HawserError;
}

/** The warnings below a build's progress, a line each. */
export function shortWarnings(findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  return [
    '',
    ` ${counted(findings.length)} found (use --check to expand):`,
    ...findings.map(({ rule, message, lines }) => ` - ${rule.name}: ${message} (line ${lines.start})`),
  ];
}

function counted(count: number): string {
  return count === 1 ? '1 warning' : `${count} warnings`;
}

/** Each finding with its rule's page and the lines around it; frontend/subrequests/lint has the form. */
export function checkLines(checked: CheckedText): readonly string[] {
  const { findings, error } = checked;
  if (findings.length === 0) return error === undefined ? ['Check complete, no warnings found.'] : [];
  return [
    `Check complete, ${counted(findings.length)} ${findings.length === 1 ? 'has' : 'have'} been found!`,
    ...findings.flatMap(({ rule, message, lines }) => [
      '',
      `WARNING: ${rule.name}${rule.url === undefined ? '' : ` - ${rule.url}`}`,
      message,
      ...excerpt(checked, lines),
    ]),
  ];
}

/** The marked lines with some around them: two of them where one is marked, else one. */
function excerpt({ file, text }: CheckedText, marked: Finding['lines']): readonly string[] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const around = marked.start === marked.end ? 2 : 1;
  const first = Math.max(1, marked.start - around);
  const last = Math.min(lines.length, marked.end + around);
  const rows: string[] = [];
  for (let line = first; line <= last; line++) {
    const mark = line >= marked.start && line <= marked.end ? '>>>' : '   ';
    rows.push(` ${String(line).padStart(3)} | ${mark} ${(lines[line - 1] ?? '').replace(/\r$/, '')}`);
  }
  const rule = '-'.repeat(20);
  return [`${file}:${marked.start}`, rule, ...rows, rule];
}

/** The JSON of `--call=check,format=json`. */
export function checkJson({ file, text, findings, error }: CheckedText): string {
  const value = {
    warnings: findings.map(({ rule, message, lines }) => ({
      ruleName: rule.name,
      description: rule.description,
      ...(rule.url === undefined ? {} : { url: rule.url }),
      detail: message,
      location: jsonLocation(lines),
    })),
    sources: [{ filename: file, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' }],
    ...(error === undefined ? {} : { buildError: buildError(error) }),
  };
  return JSON.stringify(value, undefined, 2);
}

function buildError({ message, location }: HawserError): object {
  if (location === undefined) return { message, location: {} };
  return {
    message,
    location: jsonLocation({ start: location.line, end: location.endLine ?? location.line }),
  };
}

/** BuildKit's protobuf in JSON: what is 0 is left out. */
export function jsonLocation({ start, end }: Finding['lines']): object {
  return { ranges: [{ start: { line: start }, end: { line: end } }] };
}
