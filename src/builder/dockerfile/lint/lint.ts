import { adviseAdd } from './advice/add-or-copy.ts';
import { adviseApt } from './advice/apt.ts';
import { adviseBaseImages } from './advice/base-images.ts';
import { adviseCacheOrder } from './advice/cache-order.ts';
import { adviseCompilers } from './advice/compilers.ts';
import { adviseContext } from './advice/context-files.ts';
import { adviseMerges } from './advice/merge-runs.ts';
import { advisePackageCaches } from './advice/package-caches.ts';
import { adviseUser } from './advice/root-user.ts';
import { adviseHabits } from './advice/run-habits.ts';
import { adviseSecrets } from './advice/secrets.ts';
import type { ContextFiles, Survey } from './advice/survey.ts';
import { surveyOf } from './advice/survey.ts';
import type { CheckOptions, CheckResult } from './check.ts';
import { checkDockerfile } from './check.ts';
import { applyEdits, withoutOverlaps } from './edits.ts';
import type { Finding } from './finding.ts';
import { Linter } from './linter.ts';

export interface LintOptions extends CheckOptions {
  /** The files of the context; advice that needs them is left out without. */
  readonly context?: ContextFiles | undefined;
}

/** In the order in which what they write is preferred, where two would write to one place. */
const advisers: readonly ((survey: Survey) => void)[] = [
  adviseBaseImages,
  adviseCompilers,
  adviseContext,
  adviseCacheOrder,
  adviseApt,
  advisePackageCaches,
  adviseMerges,
  adviseAdd,
  adviseHabits,
  adviseSecrets,
  adviseUser,
];

/** The checks of a build, and our advice. It throws for nothing that the file says. */
export function lintDockerfile(text: string, options: LintOptions): CheckResult {
  const checked = checkDockerfile(text, { ...options, stages: 'all' });
  const { program, facts, config, error } = checked;
  if (program === undefined || facts === undefined || error !== undefined) return checked;
  const linter = new Linter(config);
  const survey = surveyOf({
    program,
    linter,
    target: options.target,
    imageOf: stage => facts.imageOf(stage),
    context: options.context,
  });
  for (const advise of advisers) advise(survey);
  return { ...checked, findings: [...checked.findings, ...linter.findings].toSorted(byPlace) };
}

function byPlace({ location: left }: Finding, { location: right }: Finding): number {
  return left.line - right.line || (left.column ?? 0) - (right.column ?? 0);
}

/** Far more than fixes ever make way for each other. */
const maximumRounds = 20;

export interface Fixed {
  readonly text: string;
  /** What was written. */
  readonly fixed: readonly Finding[];
  /** What is left. */
  readonly rest: CheckResult;
}

/** Writes what is safe to write, again and again, until there is no more of it. */
export function fixDockerfile(text: string, options: LintOptions): Fixed {
  let current = text;
  let rest = lintDockerfile(current, options);
  const fixed: Finding[] = [];
  for (let round = 0; round < maximumRounds; round++) {
    const safe = rest.findings.filter(({ fix }) => fix?.safe === true);
    const edits = withoutOverlaps(safe.flatMap(({ fix }) => fix ?? []));
    if (edits.length === 0) break;
    const next = applyEdits(current, edits);
    const checked = lintDockerfile(next, options);
    // a fix must never break a file; this one would
    if (checked.error !== undefined || next === current) break;
    fixed.push(...safe.filter(({ fix }) => fix?.edits.every(edit => edits.includes(edit)) === true));
    current = next;
    rest = checked;
  }
  return { text: current, fixed, rest };
}
