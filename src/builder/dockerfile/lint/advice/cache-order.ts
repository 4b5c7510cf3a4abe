import type { AddInstruction, CopyInstruction, StageInstruction } from '../../instructions.ts';
import { hasOption, operandsOf, verbOf } from '../shell/invocation.ts';
import { adviceRules } from './advice-rules.ts';
import type { DependencyInstall } from './dependency-installs.ts';
import { dependencyInstalls, systemInstalls } from './dependency-installs.ts';
import { oneLine } from './one-line.ts';
import type { RunScript, RunStep } from './run-script.ts';
import type { ContextFiles, StageSurvey, Survey } from './survey.ts';

type Copy = CopyInstruction | AddInstruction;

/** A COPY of everything above the install of dependencies: one changed file, and all is installed again. */
export function adviseCacheOrder(survey: Survey): void {
  for (const stage of survey.stages) {
    const copy = stage.stage.instructions.find(isWholeContext);
    if (copy === undefined) continue;
    const install = installBelow(stage, copy);
    if (install !== undefined) report({ copy, ...install }, survey);
  }
}

/** `COPY . /app` from the context. */
export function isWholeContext(line: StageInstruction): line is Copy {
  if (line.kind !== 'copy' && line.kind !== 'add') return false;
  if (line.kind === 'copy' && line.from !== undefined) return false;
  return line.sources.some(({ text }) => /^(?:\.\/?|\/|\.?\/?\*)$/.test(text));
}

interface Found {
  readonly script: RunScript;
  readonly step: RunStep;
  readonly install: DependencyInstall;
}

/** The first install below the COPY, of a kind that is not above it too. */
function installBelow({ scripts }: StageSurvey, copy: Copy): Found | undefined {
  const above = new Set<DependencyInstall>();
  for (const script of scripts) {
    const isAbove = script.line.node.line.startLine < copy.node.line.startLine;
    for (const step of script.steps) {
      const uses = [...dependencyInstalls, ...systemInstalls].filter(install => isUse(step, install));
      const install = uses[0];
      if (isAbove) for (const use of uses) above.add(use);
      else if (install !== undefined && !above.has(install)) return { script, step, install };
    }
  }
  return undefined;
}

function isUse(step: RunStep, { programs, verbs, files }: DependencyInstall): boolean {
  if (!programs.includes(step.program) || !verbs.includes(verbOf(step)?.value ?? '')) return false;
  if (step.program === 'go') return operandsOf(step)[0]?.value === 'download';
  // of these, what is named on the line needs no file
  if (files.includes('requirements.txt')) return hasOption(step, /^(?:-r|--requirement)/);
  return files.length === 0 || operandsOf(step).length === 0;
}

function report(use: Found & { readonly copy: Copy }, { linter, context }: Survey): void {
  const { copy, script, step, install } = use;
  const name = `${step.program} ${verbOf(step)?.value ?? ''}`.trim();
  const all = oneLine(copy.text);
  const run = oneLine(script.line.text);
  const files = presentFiles(install, context);
  const into = copy.destination.text.endsWith('/') ? copy.destination.text : `${copy.destination.text}/`;
  const mended = files.length === 0 ? [run, all] : [`COPY ${files.join(' ')} ${into}`, run, all];
  linter.report(
    adviceRules.copyBeforeInstall,
    { node: copy.node, range: copy.sources[0] },
    {
      message: `all files are copied above ${name} in line ${script.line.node.line.startLine}, which then runs again whenever one of them changes`,
      hint:
        files.length === 0
          ? 'Move the RUN up: it needs none of them.'
          : `Copy what ${name} reads, install, then copy the rest:`,
      mended,
    },
  );
}

/** Those of the files that are there; by their usual names where there is no context. */
function presentFiles({ files }: DependencyInstall, context: ContextFiles | undefined): readonly string[] {
  if (context === undefined) return files.slice(0, 2);
  const present = files.filter(file => file.includes('*') || context.kindOf(file) !== undefined);
  return present.length === 0 ? files.slice(0, 2) : present;
}
