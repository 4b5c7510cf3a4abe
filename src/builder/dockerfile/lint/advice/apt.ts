import { safeFix, shownFix } from '../edits.ts';
import { hasOption, verbOf } from '../shell/invocation.ts';
import { adviceRules } from './advice-rules.ts';
import { oneLine } from './one-line.ts';
import type { RunScript, RunStep } from './run-script.ts';
import type { Survey } from './survey.ts';

const programs: readonly string[] = ['apt-get', 'apt'];
const yes = /^(?:-y|-qq|--yes|--assume-yes|-[a-zA-Z]*y[a-zA-Z]*|-q=2)$/;

/** How apt is used; in all stages, since each of these breaks builds and not only fills layers. */
export function adviseApt(survey: Survey): void {
  for (const { scripts } of survey.stages) {
    for (const [index, script] of scripts.entries()) {
      const steps = script.steps.filter(({ program }) => programs.includes(program));
      const update = steps.find(step => verbOf(step)?.value === 'update');
      const installs = steps.filter(step => verbOf(step)?.value === 'install');
      if (update !== undefined && installs.length === 0)
        adviseUpdate({ script, update, below: scripts.slice(index + 1) }, survey);
      const [install] = installs;
      if (update === undefined && install !== undefined) adviseInstall(script, install, survey);
      for (const step of installs) adviseYes(script, step, survey);
    }
  }
}

function adviseUpdate(
  use: { readonly script: RunScript; readonly update: RunStep; readonly below: readonly RunScript[] },
  { linter }: Survey,
): void {
  const { script, update, below } = use;
  // an upgrade uses the lists as well
  if (script.steps.some(step => /upgrade|build-dep|satisfy/.test(verbOf(step)?.value ?? ''))) return;
  const next = below.find(({ steps }) => steps.some(step => verbOf(step)?.value === 'install'));
  const install = next?.inLine === true ? oneLine(next.shell.text) : `${update.program} install -y PACKAGE`;
  linter.report(adviceRules.aptUpdateAlone, script.place(update.command), {
    message: `${update.program} update in a RUN of its own: its lists are cached, and old when the install changes`,
    hint: 'Put both into one RUN:',
    mended: [`RUN ${oneLine(script.shell.text)} && ${install}`],
  });
}

function adviseInstall(script: RunScript, install: RunStep, { linter }: Survey): void {
  const local = install.args.some(({ raw }) => raw.includes('.deb') || raw.startsWith('./'));
  const fromMount = script.line.mounts.some(({ word }) => word.text.includes('/var/lib/apt'));
  // apt 3 can do both at once
  if (local || fromMount || hasOption(install, /^(?:-U|--update)$/)) return;
  linter.report(adviceRules.aptInstallWithoutUpdate, script.place(install.command), {
    message: `${install.program} install without ${install.program} update in the same RUN`,
    ...shownFix(script.insert(install.command.start, `${install.program} update && `)),
  });
}

function adviseYes(script: RunScript, step: RunStep, { linter }: Survey): void {
  const verb = verbOf(step);
  if (verb === undefined || hasOption(step, yes)) return;
  // `yes | apt-get install` answers too
  if (step.command.before === '|') return;
  linter.report(adviceRules.aptAsks, script.place(step.command), {
    message: `${step.program} install asks for confirmation, which nobody gives in a build`,
    ...safeFix(script.insert(verb.end, ' -y')),
  });
}
