import { HawserError } from '../../errors/hawser-error.ts';
import { countWhere } from '../../util/count-where.ts';
import { nearest } from '../../util/nearest.ts';
import type { Dockerfile } from './ast.ts';
import { dockerfileError } from './errors.ts';
import type { ArgInstruction, FromInstruction, StageInstruction } from './instructions.ts';
import { interpret } from './interpret.ts';
import type { Word } from './source.ts';
import { locationIn } from './source.ts';

export interface Stage {
  readonly index: number;
  /** In lower case. */
  readonly name?: string;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

/** A Dockerfile by meaning: what stands before the first FROM, and the stages. */
export interface Program {
  readonly dockerfile: Dockerfile;
  /** The ARG lines before the first FROM. */
  readonly globals: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
  /** Those of one name, from the top. */
  readonly named: ReadonlyMap<string, readonly Stage[]>;
}

/** Interprets all instructions and cuts them into stages; throws DOCKERFILE_INVALID at the first that is wrong. */
export function parseProgram(dockerfile: Dockerfile): Program {
  const globals: ArgInstruction[] = [];
  const stages: (Stage & { readonly instructions: StageInstruction[] })[] = [];
  for (const node of dockerfile.nodes) {
    const instruction = interpret(node);
    if (instruction.kind === 'from') {
      const name = instruction.name === undefined ? {} : { name: instruction.name };
      stages.push({ index: stages.length, ...name, from: instruction, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') globals.push(instruction);
    else {
      const message = 'no build stage in current context';
      throw dockerfileError(message, locationIn(node.line, node.keyword), 'Begin with a FROM line.');
    }
  }
  if (stages.length === 0) {
    const last = dockerfile.nodes.at(-1)?.line;
    const location = last === undefined ? { file: dockerfile.source.file, line: 1 } : locationIn(last);
    throw dockerfileError('dockerfile contains no stages to build', location, 'Add a FROM line.');
  }
  return { dockerfile, globals, stages, named: byName(stages) };
}

function byName(stages: readonly Stage[]): ReadonlyMap<string, readonly Stage[]> {
  const named = new Map<string, Stage[]>();
  for (const stage of stages) {
    if (stage.name === undefined) continue;
    const others = named.get(stage.name);
    if (others === undefined) named.set(stage.name, [stage]);
    else others.push(stage);
  }
  return named;
}

function lastNamed({ named }: Program, name: string, isAbove: (stage: Stage) => boolean): Stage | undefined {
  const stages = named.get(name) ?? [];
  return stages[countWhere(stages, isAbove) - 1];
}

/** The stage that a FROM means by `image`, its variables resolved: the last of that name above it. Case counts. */
export function findBaseStage(program: Program, image: string, from: FromInstruction): Stage | undefined {
  const { startLine } = from.node.line;
  const stage = lastNamed(program, image.toLowerCase(), above => above.from.node.line.startLine < startLine);
  if (stage === undefined || stage.name === image) return stage;
  throw dockerfileError(
    `failed to parse stage name ${JSON.stringify(image)}: invalid reference format: repository name must be lowercase`,
    locationIn(from.node.line, from.image),
    `Write FROM ${stage.name}.`,
  );
}

/**
 * The stage that `COPY --from` or `--mount from=` in stage `before` means, undefined when it means an image. Of stages
 * with one name the last one above counts. Throws DOCKERFILE_INVALID for a stage that is not above.
 */
export function findSourceStage(
  program: Program,
  name: string,
  options: {
    readonly before: Stage;
    /** Only COPY knows stages by number. */
    readonly numbers: boolean;
    readonly place: { readonly instruction: StageInstruction; readonly word: Word };
  },
): Stage | undefined {
  const { before, place } = options;
  const fail = (message: string, remedy: string): never => {
    throw dockerfileError(message, locationIn(place.instruction.node.line, place.word), remedy);
  };
  if (options.numbers && /^[+-]?\d+$/.test(name)) {
    const index = Number(name);
    if (index >= 0 && index < before.index) return program.stages[index];
    const message = `invalid stage index ${name}`;
    return fail(
      message,
      before.index === 0 ? 'No stage stands above.' : `Use 0 to ${before.index - 1}, or a name.`,
    );
  }
  const wanted = name.toLowerCase();
  const found = lastNamed(program, wanted, above => above.index < before.index);
  if (found !== undefined) return found;
  const later = program.named.get(wanted)?.[0];
  if (later === undefined) return undefined;
  if (later === before) {
    return fail(`circular dependency detected on stage: ${wanted}`, 'A stage cannot take files from itself.');
  }
  return fail(`stage ${JSON.stringify(name)} is not defined yet`, `Move stage ${wanted} above this one.`);
}

/** Whether a flag that lists stages means this one, by name or number. */
export function isCalled(stage: Stage, name: string): boolean {
  return stage.name === name.toLowerCase() || String(stage.index) === name;
}

/** The stage to build: the last one, or what `--target` names. Numbers are no names. */
export function findTarget(program: Program, name?: string): Stage {
  const wanted = name?.toLowerCase();
  const stage = program.stages.findLast(candidate => wanted === undefined || candidate.name === wanted);
  if (stage !== undefined) return stage;
  const names = program.stages.flatMap(candidate => candidate.name ?? []);
  const near = nearest(name ?? '', names);
  const known =
    names.length === 0 ? 'No stage has a name; add AS NAME to its FROM.' : `There are ${names.join(', ')}.`;
  throw new HawserError('STAGE_UNKNOWN', `target stage ${JSON.stringify(name)} could not be found`, {
    remedy: near === undefined ? known : `Did you mean ${near}?`,
  });
}
