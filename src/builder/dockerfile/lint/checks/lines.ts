import type { ContainerConfig } from '../../../../image/config.ts';
import type { StageInstruction } from '../../instructions.ts';
import { parseTrigger } from '../../interpret.ts';
import type { Program, Stage } from '../../stages.ts';
import { findBaseStage } from '../../stages.ts';
import { type Linter, silentLinter } from '../linter.ts';
import { checkArg, checkEnv, checkLabel } from './assignments.ts';
import { checkCommand, checkOnce } from './commands.ts';
import { checkExpose } from './expose.ts';
import type { LinesOptions, LineWork } from './line-work.ts';
import { checkMounts, checkWorkdir } from './run-and-workdir.ts';
import { StageScope } from './stage-scope.ts';
import { checkTransfer } from './transfers.ts';

/** Goes over the lines of stages as a build does, each with what is known there. */
export class LineChecker {
  readonly #program: Program;
  readonly #options: LinesOptions;
  readonly #linter: Linter;
  readonly #scopes = new Map<Stage, StageScope>();

  constructor(program: Program, options: LinesOptions, linter: Linter) {
    this.#program = program;
    this.#options = options;
    this.#linter = linter;
  }

  /**
   * Checks the lines of a stage, and before them those of the stage that it stands on.
   *
   * @throws HawserError DOCKERFILE_INVALID at a word that cannot be expanded
   */
  check(stage: Stage): StageScope {
    const known = this.#scopes.get(stage);
    if (known !== undefined) return known;
    const { escape } = this.#program.dockerfile;
    const image = this.#options.imageOf(stage);
    const parent = findBaseStage(this.#program, image, stage.from);
    const base = parent !== undefined || image === 'scratch' ? {} : this.#options.baseConfig(stage);
    const scope =
      parent === undefined ? StageScope.onImage(base, escape) : StageScope.onStage(this.check(parent));
    this.#scopes.set(stage, scope);
    // what the triggers of an image are like is for its author to know
    this.#walk(scope, triggersOf(base, image), silentLinter());
    const inherited = parent?.instructions.flatMap(line =>
      line.kind === 'onbuild' ? [line.instruction] : [],
    );
    this.#walk(scope, [...(inherited ?? []), ...stage.instructions], this.#linter);
    return scope;
  }

  #walk(scope: StageScope, instructions: readonly StageInstruction[], linter: Linter): void {
    const work: LineWork = { ...this.#options, scope, linter };
    for (const instruction of instructions) checkLine(instruction, work);
    checkOnce(instructions, linter);
  }
}

function triggersOf(base: ContainerConfig | undefined, image: string): readonly StageInstruction[] {
  return (base?.OnBuild ?? []).map(text => parseTrigger(text, { file: `ONBUILD of ${image}` }));
}

function checkLine(line: StageInstruction, work: LineWork): void {
  const { scope, linter } = work;
  switch (line.kind) {
    case 'env':
      return checkEnv(line, work);
    case 'label':
      return checkLabel(line, work);
    case 'arg':
      return checkArg(line, work);
    case 'add':
    case 'copy':
      return checkTransfer(line, work);
    case 'run':
      return checkMounts(line, work);
    case 'workdir':
      return checkWorkdir(line, work);
    case 'expose':
      return checkExpose(line, work);
    case 'cmd':
    case 'entrypoint':
      return checkCommand(line, work);
    case 'user':
      scope.expand(line.node, line.user, linter);
      return;
    case 'stopsignal':
      scope.expand(line.node, line.signal, linter);
      return;
    case 'volume':
      for (const path of line.paths) scope.expand(line.node, path, linter);
      return;
    case 'shell':
      scope.shellSet = true;
      return;
  }
}
