import { parseCsv } from '../../csv.ts';
import { safeFix, shownFix } from '../edits.ts';
import { hasOption, verbOf } from '../shell/invocation.ts';
import { adviceRules } from './advice-rules.ts';
import { appendCommand } from './append-command.ts';
import type { PackageManager } from './package-managers.ts';
import { packageManagers } from './package-managers.ts';
import type { RunScript, RunStep } from './run-script.ts';
import type { StageSurvey, Survey } from './survey.ts';

/** Only the stages of the image count: what others leave goes with them. */
export function advisePackageCaches(survey: Survey): void {
  const variables = new Set<string>();
  const managers = packageManagers.map(manager => ({ manager, needing: needingCache(manager, survey) }));
  for (const stage of survey.chain) {
    collectVariables(stage, variables);
    for (const script of stage.scripts) {
      for (const manager of managers) adviseScript({ ...manager, script, variables }, survey);
    }
  }
}

function collectVariables({ stage }: StageSurvey, variables: Set<string>): void {
  for (const line of stage.instructions) {
    if (line.kind === 'env') for (const { name } of line.pairs) variables.add(name.text);
  }
}

interface Use {
  readonly script: RunScript;
  readonly manager: PackageManager;
  /** The scripts of all stages that install from what another one left. */
  readonly needing: ReadonlySet<RunScript>;
  readonly variables: ReadonlySet<string>;
}

function adviseScript({ script, manager, needing, variables }: Use, survey: Survey): void {
  const steps = script.steps.filter(
    step => manager.programs.includes(step.program) && manager.verbs.includes(verbOf(step)?.value ?? ''),
  );
  const first = steps[0];
  const isKept =
    (manager.variable !== undefined && variables.has(manager.variable)) ||
    manager.cleanup.pattern.test(script.shell.text) ||
    isMounted(script, manager.folders);
  if (first === undefined || isKept) return;
  const { option } = manager;
  const open = option === undefined ? steps : steps.filter(step => !hasOption(step, option.pattern));
  const [step] = open;
  if (step === undefined) return;
  const command = manager.cleanup.command.replace('PROGRAM', programText(step));
  const edits =
    option === undefined
      ? [appendCommand(script, command)].filter(edit => edit !== undefined)
      : open.flatMap(({ args, ...other }) => {
          const verb = verbOf({ args, ...other });
          return verb === undefined ? [] : [script.insert(verb.end, ` ${option.text}`)];
        });
  survey.linter.report(adviceRules.packageCacheInLayer, script.place(step.command), {
    message: `${step.program} leaves ${manager.leaves} in the layer`,
    hint:
      option === undefined
        ? `End the RUN with ${command}, or keep it out with --mount=type=cache,target=${manager.folders[0]}.`
        : `Add ${option.text}.`,
    ...(edits.length === 0
      ? { mended: [command] }
      : needing.size > (needing.has(script) ? 1 : 0)
        ? shownFix(...edits)
        : safeFix(...edits)),
  });
}

function needingCache({ programs, refresh }: PackageManager, { stages }: Survey): ReadonlySet<RunScript> {
  if (refresh === undefined) return new Set();
  return new Set(
    stages
      .flatMap(({ scripts }) => scripts)
      .filter(({ steps }) => {
        const verbs = steps
          .filter(({ program }) => programs.includes(program))
          .map(step => verbOf(step)?.value);
        return verbs.length > 0 && !verbs.includes(refresh);
      }),
  );
}

/** As it is called here, e.g. `python3 -m pip`. */
function programText({ command, word }: RunStep): string {
  const index = command.words.indexOf(word);
  const isModule = command.words[index - 1]?.value === '-m';
  return command.words
    .slice(isModule ? index - 2 : index, index + 1)
    .map(({ raw }) => raw)
    .join(' ');
}

function isMounted({ line }: RunScript, folders: readonly string[]): boolean {
  return line.mounts.some(({ word }) => {
    const fields = new Map(
      (parseCsv(word.text) ?? []).map(field => {
        const [key = '', value = ''] = field.split('=', 2);
        return [key.toLowerCase(), value] as const;
      }),
    );
    const target = fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? '';
    const type = fields.get('type');
    return (type === 'cache' || type === 'tmpfs') && folders.some(folder => target.includes(folder));
  });
}
