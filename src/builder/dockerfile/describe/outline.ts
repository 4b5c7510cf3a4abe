import { hostPlatform, type Platform } from '../../../image/platform.ts';
import { globalVariables } from '../../plan/global-variables.ts';
import type { DockerfileNode } from '../ast.ts';
import { expandWord } from '../expand.ts';
import type { RunInstruction } from '../instructions.ts';
import { checkArg, checkEnv } from '../lint/checks/assignments.ts';
import { StageScope } from '../lint/checks/stage-scope.ts';
import { silentLinter } from '../lint/linter.ts';
import { StageFacts } from '../lint/stage-facts.ts';
import { neededStages } from '../needed-stages.ts';
import { resolveMount } from '../resolve-mount.ts';
import { locationIn } from '../source.ts';
import type { Program, Stage } from '../stages.ts';
import { findTarget } from '../stages.ts';
import { descriptionOf } from './description.ts';

interface Lines {
  readonly start: number;
  readonly end: number;
}

/** What a build of one target takes, as `--call=outline` shows it. */
export interface Outline {
  readonly name?: string;
  readonly description?: string;
  readonly args: readonly OutlineArgument[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
}

export interface OutlineArgument {
  readonly name: string;
  readonly description?: string;
  readonly value?: string;
  readonly lines: Lines;
}

export interface OutlineMount {
  readonly name: string;
  readonly required: boolean;
  readonly lines: Lines;
}

export interface OutlineOptions {
  readonly target?: string | undefined;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/**
 * The build arguments, secrets and agents that building the target asks for.
 *
 * @throws HawserError DOCKERFILE_INVALID, STAGE_UNKNOWN
 */
export function outlineOf(program: Program, options: OutlineOptions = {}): Outline {
  const stage = findTarget(program, options.target);
  const outliner = new Outliner(program, options);
  outliner.add(stage);
  const { name, from } = stage;
  const description = descriptionOf(from.node, name ?? '');
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    args: sorted(outliner.args),
    secrets: sorted(outliner.secrets),
    ssh: sorted(outliner.ssh),
  };
}

function sorted<T extends { readonly lines: Lines }>(items: ReadonlyMap<string, T>): readonly T[] {
  return [...items.values()].toSorted((left, right) => left.lines.start - right.lines.start);
}

/** What is found first is kept: the target comes before the stages that it takes from. */
class Outliner {
  readonly args = new Map<string, OutlineArgument>();
  readonly secrets = new Map<string, OutlineMount>();
  readonly ssh = new Map<string, OutlineMount>();
  readonly #program: Program;
  readonly #options: OutlineOptions;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #facts: StageFacts;

  constructor(program: Program, options: OutlineOptions) {
    const { buildArgs = {}, target, platform = hostPlatform() } = options;
    this.#program = program;
    this.#options = options;
    this.#globals = globalVariables(program, {
      buildArgs,
      target: platform,
      build: hostPlatform(),
      stage: target,
    });
    this.#facts = new StageFacts(program, { globals: this.#globals, platform });
  }

  add(target: Stage): void {
    for (const stage of neededStages(this.#program, target, stage => this.#facts.imageOf(stage))) {
      this.#addStage(stage);
    }
  }

  #addStage(stage: Stage): void {
    const { escape } = this.#program.dockerfile;
    const { buildArgs = {} } = this.#options;
    const scope = StageScope.onImage({}, escape);
    const linter = silentLinter();
    const own = new Map<string, OutlineArgument | undefined>();
    for (const line of stage.instructions) {
      if (line.kind === 'env') checkEnv(line, { scope, linter });
      if (line.kind === 'run') this.#addMounts(line, scope);
      if (line.kind !== 'arg') continue;
      checkArg(line, { scope, linter, buildArgs, globals: this.#globals });
      for (const { name, value } of line.args) {
        // a bare name stands for the global ARG, where there is one
        const isGlobal =
          value === undefined && !Object.hasOwn(buildArgs, name.text) && this.#globals.has(name.text);
        if (!isGlobal) own.set(name.text, argumentOf(line.node, name.text, scope.variables.get(name.text)));
        else if (!own.has(name.text)) own.set(name.text, undefined);
      }
    }
    for (const [name, argument] of own) {
      if (argument === undefined) this.#addGlobal(name);
      else if (!this.args.has(name)) this.args.set(name, argument);
    }
    const { image, platform } = stage.from;
    for (const word of platform === undefined ? [image] : [image, platform]) this.#addUsed(word.text);
  }

  #addGlobal(name: string): void {
    for (const { node, args } of this.#program.globals.toReversed()) {
      const argument = args.findLast(candidate => candidate.name.text === name);
      if (argument === undefined || this.args.has(name)) continue;
      this.args.set(name, argumentOf(node, name, this.#globals.get(name)));
      if (argument.value !== undefined) this.#addUsed(argument.value.text);
    }
  }

  /** The global arguments that a word makes use of. */
  #addUsed(text: string): void {
    const { used, unset } = expandWord(text, this.#globals, { escape: this.#program.dockerfile.escape });
    for (const name of [...used, ...unset]) this.#addGlobal(name);
  }

  #addMounts({ node, mounts }: RunInstruction, scope: StageScope): void {
    for (const flag of mounts) {
      const mount = resolveMount(flag, {
        location: () => locationIn(node.line, flag.word),
        expand: text => scope.peek(node, { ...flag.word, text })?.text ?? text,
      });
      if (mount.type !== 'secret' && mount.type !== 'ssh') continue;
      const found = mount.type === 'secret' ? this.secrets : this.ssh;
      if (found.has(mount.id)) continue;
      found.set(mount.id, { name: mount.id, required: mount.required, lines: linesOf(node) });
    }
  }
}

function argumentOf(node: DockerfileNode, name: string, value: string | undefined): OutlineArgument {
  const description = descriptionOf(node, name);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(value === undefined || value === '' ? {} : { value }),
    lines: linesOf(node),
  };
}

function linesOf({ line }: DockerfileNode): Lines {
  return { start: line.startLine, end: line.endLine };
}
