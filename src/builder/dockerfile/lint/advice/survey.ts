import { parseReference, type Reference } from '../../../../image/reference.ts';
import type { EscapeToken } from '../../ast.ts';
import type { UserInstruction } from '../../instructions.ts';
import { findBaseStage, findTarget, type Program, type Stage } from '../../stages.ts';
import type { Linter } from '../linter.ts';
import type { RunScript } from './run-script.ts';
import { runScriptOf } from './run-script.ts';

/** What is asked of the files of a build context. Paths are relative to it, with `/`. */
export interface ContextFiles {
  /** What `.dockerignore` leaves at the top. */
  readonly names: readonly string[];
  /** `undefined` where it is not there, or is hidden. */
  kindOf(path: string): 'file' | 'folder' | undefined;
  /** Whether ADD would unpack it. */
  isArchive(path: string): boolean;
}

/** One stage as the advice sees it. */
export interface StageSurvey {
  readonly stage: Stage;
  /** What FROM comes to. */
  readonly image: string;
  /** The same, where it is neither a stage nor scratch. */
  readonly reference: Reference | undefined;
  /** Its layers are in the image that is built. */
  readonly inImage: boolean;
  /** Each RUN that has one, with its script. */
  readonly scripts: readonly RunScript[];
  readonly users: readonly UserInstruction[];
}

export interface Survey {
  readonly program: Program;
  readonly linter: Linter;
  readonly stages: readonly StageSurvey[];
  /** From the image at the bottom to the target. */
  readonly chain: readonly StageSurvey[];
  /** Undefined for a Dockerfile without files. */
  readonly context: ContextFiles | undefined;
}

export interface SurveyOptions {
  readonly program: Program;
  readonly linter: Linter;
  readonly target: string | undefined;
  readonly imageOf: (stage: Stage) => string;
  readonly context: ContextFiles | undefined;
}

export function surveyOf(options: SurveyOptions): Survey {
  const { program, linter, imageOf, context } = options;
  const parents = new Set<Stage>();
  for (
    let stage: Stage | undefined = findTarget(program, options.target);
    stage !== undefined;
    stage = findBaseStage(program, imageOf(stage), stage.from)
  ) {
    parents.add(stage);
  }
  const lastShells = new Map<Stage, boolean>();
  const stages = program.stages.map((stage): StageSurvey => {
    const image = imageOf(stage);
    const parent = findBaseStage(program, image, stage.from);
    const isImage = image !== 'scratch' && parent === undefined;
    const below = parent === undefined ? !/windows|nanoserver/i.test(image) : lastShells.get(parent) === true;
    const { scripts, isUnix } = scriptsOf(stage, { escape: program.dockerfile.escape, isUnix: below });
    lastShells.set(stage, isUnix);
    return {
      stage,
      image,
      reference: isImage ? referenceOf(image) : undefined,
      inImage: parents.has(stage),
      scripts,
      users: stage.instructions.filter(line => line.kind === 'user'),
    };
  });
  return { program, linter, stages, chain: stages.filter(({ inImage }) => inImage), context };
}

/** The scripts that a Unix shell runs; others are not understood. `isUnix` is of the shell at the end. */
function scriptsOf(
  stage: Stage,
  begin: { readonly escape: EscapeToken; readonly isUnix: boolean },
): { readonly scripts: readonly RunScript[]; readonly isUnix: boolean } {
  let { isUnix } = begin;
  const scripts: RunScript[] = [];
  for (const line of stage.instructions) {
    if (line.kind === 'shell') isUnix = /(?:^|\/)(?:ba|da|a|k|z)?sh$/.test(line.words[0] ?? '');
    const script = line.kind === 'run' && isUnix ? runScriptOf(line, begin.escape) : undefined;
    if (script !== undefined) scripts.push(script);
  }
  return { scripts, isUnix };
}

function referenceOf(image: string): Reference | undefined {
  try {
    return parseReference(image);
  } catch {
    // a rule of its own tells of it
    return undefined;
  }
}

/** The name of an official image, e.g. `python` for `docker.io/library/python:3.12`. */
export function officialName(reference: Reference | undefined): string | undefined {
  if (reference?.domain !== 'docker.io' || !reference.path.startsWith('library/')) return undefined;
  return reference.path.slice('library/'.length);
}
