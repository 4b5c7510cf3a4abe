import { operandsOf, verbOf } from '../shell/invocation.ts';
import type { ShellWord } from '../shell/parse-shell.ts';
import { adviceRules } from './advice-rules.ts';
import { oneLine } from './one-line.ts';
import type { RunScript, RunStep } from './run-script.ts';
import type { StageSurvey, Survey } from './survey.ts';
import { officialName } from './survey.ts';

/** Images that exist to build with. */
const toolchains =
  /^(?:golang|rust|gcc|maven|gradle|swift|haskell|erlang|elixir|clojure|dart|buildpack-deps|emscripten\/emsdk)$/;
const toolchainPaths = /(?:^|\/)dotnet\/sdk$/;

/** Packages that only builds need. */
const packages =
  /^(?:build-essential|build-base|gcc|g\+\+|clang|make|cmake|autoconf|automake|libtool|pkg-config|golang(?:-go)?|go|rustc|cargo|maven|gradle|openjdk-[\d.]+-jdk(?:-headless)?|alpine-sdk|linux-headers|python3-dev|musl-dev|gcc-c\+\+|kernel-devel|\.build-deps)(?:[=:].*)?$/;

const installers: readonly string[] = ['apt-get', 'apt', 'apk', 'yum', 'dnf', 'microdnf', 'zypper'];
const installs: readonly string[] = ['install', 'add'];
const removals: readonly string[] = ['purge', 'remove', 'autoremove', 'del', 'erase'];

/** Compilers in the image that is built, and not only in stages that it takes files from. */
export function adviseCompilers(survey: Survey): void {
  const [bottom] = survey.chain;
  if (bottom !== undefined) adviseBase(bottom, survey);
  for (const { scripts } of survey.chain) {
    for (const script of scripts) adviseScript(script, survey);
  }
}

function adviseBase({ stage, image, reference }: StageSurvey, { linter }: Survey): void {
  const isToolchain =
    toolchains.test(officialName(reference) ?? '') || toolchainPaths.test(reference?.path ?? '');
  if (!isToolchain) return;
  linter.report(
    adviceRules.compilerInImage,
    { node: stage.from.node, range: stage.from.image },
    {
      message: `the image that is built has all of ${image} in it, which only building needs`,
      hint: 'Build in a stage of its own, and copy what it made:',
      mended: [`FROM ${image} AS build`, '…', 'FROM debian:stable-slim', 'COPY --from=build /app /app'],
    },
  );
}

function adviseScript(script: RunScript, { linter }: Survey): void {
  const steps = script.steps.filter(({ program }) => installers.includes(program));
  if (steps.some(step => removals.includes(verbOf(step)?.value ?? ''))) return;
  for (const step of steps) {
    const word = installs.includes(verbOf(step)?.value ?? '') ? compilerIn(step) : undefined;
    if (word === undefined) continue;
    linter.report(adviceRules.compilerInImage, script.place(word), {
      message: `${word.raw} stays in the image, and only building needs it`,
      hint: 'Remove it at the end of the same RUN; or build in a stage of its own, and copy what it made:',
      mended: ['FROM … AS build', oneLine(script.line.text), '…', 'FROM …', 'COPY --from=build /app /app'],
    });
    return;
  }
}

function compilerIn(step: RunStep): ShellWord | undefined {
  const isVirtual = step.args.some(({ value }) => value === '--virtual' || value === '-t');
  if (step.program === 'apk' && isVirtual) return undefined;
  return operandsOf(step).find(({ value }) => value !== undefined && packages.test(value));
}
