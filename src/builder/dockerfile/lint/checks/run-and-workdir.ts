import { parseCsv } from '../../csv.ts';
import type { RunInstruction, WorkdirInstruction } from '../../instructions.ts';
import { buildChecks } from '../build-checks.ts';
import { insertIn, shownFix } from '../edits.ts';
import type { LineWork } from './line-work.ts';

/** Variables in the options of `--mount`; the command's own are the shell's. */
export function checkMounts(line: RunInstruction, { scope, linter }: LineWork): void {
  for (const { word } of line.mounts) {
    for (const field of parseCsv(word.text) ?? []) {
      const equals = field.indexOf('=');
      if (equals < 0 || field.slice(0, equals).toLowerCase() === 'from') continue;
      scope.expand(line.node, { ...word, text: field.slice(equals + 1) }, linter);
    }
  }
}

/** Where nothing in the file says what it is relative to. Only the first of them counts: it mends those below. */
export function checkWorkdir(line: WorkdirInstruction, { scope, linter }: LineWork): void {
  const path = scope.expand(line.node, line.path, linter)?.text;
  if (!scope.workdirSet && path !== undefined && !path.startsWith('/')) {
    linter.report(
      buildChecks.workdirRelativePath,
      { node: line.node, range: line.path },
      {
        message: `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
        hint: 'Write it from the root on.',
        ...shownFix(insertIn(line.node, line.path.start, '/')),
      },
    );
  }
  scope.workdirSet = true;
}
