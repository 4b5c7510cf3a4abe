import { countWhere } from '../../../../util/count-where.ts';
import { safeFix, shownFix } from '../edits.ts';
import type { Edit } from '../finding.ts';
import { adviceRules } from './advice-rules.ts';
import { oneLine } from './one-line.ts';
import type { RunScript, RunStep } from './run-script.ts';
import type { StageSurvey, Survey } from './survey.ts';
import { officialName } from './survey.ts';

/** `cd` and `sudo`, which are for people at a terminal. */
export function adviseHabits(survey: Survey): void {
  for (const stage of survey.stages) {
    for (const script of stage.scripts) {
      adviseCd(script, survey);
      adviseSudo(script, stage, survey);
    }
  }
}

/** Only a `cd` that the whole line begins with: others are about something that the line itself made. */
function adviseCd({ steps, shell, place, line, inLine }: RunScript, { linter }: Survey): void {
  const [first] = steps;
  const [second] = shell.commands.slice(1);
  if (first?.program !== 'cd' || !inLine || first.command !== shell.commands[0]) return;
  const folder = first.args[0];
  if (second === undefined) {
    linter.report(adviceRules.cdInRun, place(first.command), {
      message: 'cd has no effect on the lines below',
      ...(folder === undefined ? {} : { hint: 'Write:', mended: [`WORKDIR ${folder.raw}`] }),
    });
    return;
  }
  if (folder?.value === undefined || second.before !== '&&') return;
  const rest = oneLine(shell.text.slice(second.start));
  const flags = line.node.flags.map(({ text }) => `${text} `).join('');
  linter.report(adviceRules.cdInRun, place(first.command), {
    message: `RUN begins with cd ${folder.raw}`,
    hint: 'Let WORKDIR do it, for this line and those below:',
    mended: [`WORKDIR ${folder.raw}`, `RUN ${flags}${rest}`],
  });
}

function adviseSudo(script: RunScript, stage: StageSurvey, { linter }: Survey): void {
  const uses = script.steps.filter(({ command }) => command.words[0]?.value === 'sudo');
  const [first] = uses;
  if (first === undefined) return;
  const edits = uses.map(step => withoutSudo(script, step)).filter(edit => edit !== undefined);
  const isSafe = edits.length === uses.length && isRootAt(script, stage);
  linter.report(adviceRules.sudoInRun, script.place(first.command.words[0] ?? first.word), {
    message: 'sudo in a RUN',
    hint: 'Leave it out; write USER root above, where the base image has another user.',
    ...(edits.length === 0 ? {} : isSafe ? safeFix(...edits) : shownFix(...edits)),
  });
}

function withoutSudo(script: RunScript, { command }: RunStep): Edit | undefined {
  const [sudo, next] = command.words;
  // options of sudo choose another user or environment
  if (sudo === undefined || next === undefined || next.raw.startsWith('-')) return undefined;
  return script.replace({ start: sudo.start, end: next.start }, '');
}

/** Official images whose user is root. */
const rootImages =
  /^(?:debian|ubuntu|alpine|fedora|amazonlinux|rockylinux|almalinux|oraclelinux|archlinux|opensuse\/leap|busybox|python|node|golang|ruby|rust|php|perl|gcc|openjdk|eclipse-temurin|maven|nginx|httpd|buildpack-deps)$/;

/** Whether the line surely runs as root. */
function isRootAt({ line: run }: RunScript, { users, reference }: StageSurvey): boolean {
  const above = countWhere(users, ({ node }) => node.line.startLine < run.node.line.startLine);
  const last = users[above - 1];
  if (last !== undefined) return isRoot(last.user.text);
  return rootImages.test(officialName(reference) ?? '');
}

export function isRoot(user: string): boolean {
  return /^(?:root|0)(?::|$)/.test(user);
}
