import { HawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import type { ImageConfig } from '../../image/config.ts';
import { type Platform, parsePlatform } from '../../image/platform.ts';
import { dockerfileError } from '../dockerfile/errors.ts';
import { expandWord } from '../dockerfile/expand.ts';
import type { StageInstruction } from '../dockerfile/instructions.ts';
import { parseTrigger } from '../dockerfile/interpret.ts';
import { locationIn, type Word } from '../dockerfile/source.ts';
import {
  findBaseStage,
  findSourceStage,
  findTarget,
  isCalled,
  type Program,
  type Stage,
} from '../dockerfile/stages.ts';
import type { BuildContextFiles } from '../execute/context.ts';
import type { Vertex } from '../execute/operation.ts';
import { applyLine, isStep } from './apply-line.ts';
import { type BuildSettings, LineContext, type SourceOfCopy, type SourceUse } from './line-context.ts';
import {
  contextVertex,
  type FindNamed,
  findNamed,
  findSource,
  type NamedSource,
  scratchVertex,
} from './named-source.ts';
import { type ImageUse, withNearName } from './near-image.ts';
import { mountSource } from './run-mounts.ts';
import { beginStage, continueStage, type StageDraft, withConfig } from './stage-draft.ts';

export interface ResolvedBase {
  readonly vertex: Vertex;
  readonly config: ImageConfig;
}

export interface PlanOptions {
  readonly program: Program;
  readonly settings: BuildSettings;
  readonly target: string | undefined;
  readonly platform: Platform;
  /** Tells the steps of one platform from those of another, e.g. `linux/arm64`, where there are several. */
  readonly label?: string;
  /** Stages whose steps run although the cache has them. */
  readonly noCacheFilter?: readonly string[];
  /** The image of a FROM or of a `COPY --from`. */
  readonly resolveBase: (
    image: string,
    platform: Platform,
    location: SourceLocation,
  ) => Promise<ResolvedBase>;
  /** Undefined for a name that `--build-context` does not give. */
  readonly findNamed?: FindNamed;
}

export interface BuildPlan {
  readonly draft: StageDraft;
  /** The steps that the target needs, in the order of the Dockerfile within each stage. */
  readonly steps: readonly Vertex[];
}

/**
 * Turns a Dockerfile into the graph of what the target needs: stages that nothing refers to are not looked at.
 *
 * @throws HawserError DOCKERFILE_INVALID, STAGE_UNKNOWN, and what `resolveBase` throws
 */
export async function planBuild(options: PlanOptions): Promise<BuildPlan> {
  const planner = new Planner(options);
  const stage = findTarget(options.program, options.target);
  return { draft: await planner.draftOf(stage), steps: planner.steps };
}

class Planner {
  readonly steps: Vertex[] = [];
  readonly #options: PlanOptions;
  readonly #drafts = new Map<Stage, Promise<StageDraft>>();
  /** Folders of `--build-context` that a stage begins with, as layers. */
  readonly #contexts = new Map<BuildContextFiles, Vertex>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  draftOf(stage: Stage): Promise<StageDraft> {
    let draft = this.#drafts.get(stage);
    if (draft === undefined) {
      draft = this.#plan(stage);
      this.#drafts.set(stage, draft);
      // It is awaited by who asked; another failure may come first, and then nobody does.
      draft.catch(() => undefined);
    }
    return draft;
  }

  async #plan(stage: Stage): Promise<StageDraft> {
    // A context of that name takes the place of the whole stage.
    const word = stage.from.image;
    const named = stage.name === undefined ? undefined : await this.#named(stage.name, stage, word);
    if (named !== undefined) return this.#draftOfNamed(named, this.#platformFor(stage));
    // Asked for before the base is there, so that images are looked up side by side.
    const sources = new Map<string, Promise<SourceOfCopy>>();
    this.#collectSources(stage, stage.instructions, sources);
    const begin = await this.#begin(stage);
    const triggers = (begin.config.OnBuild ?? []).map(text =>
      parseTrigger(text, { file: `ONBUILD of ${stage.from.image.text}` }),
    );
    this.#collectSources(stage, triggers, sources);
    const ready = new Map<string, SourceOfCopy>();
    for (const [from, source] of sources) ready.set(from, await source);
    const instructions = [...triggers, ...stage.instructions];
    return this.#applyLines(stage, {
      instructions,
      sources: ready,
      begin: withConfig(begin, { OnBuild: null }),
    });
  }

  #applyLines(
    stage: Stage,
    work: {
      readonly instructions: readonly StageInstruction[];
      readonly sources: ReadonlyMap<string, SourceOfCopy>;
      readonly begin: StageDraft;
    },
  ): StageDraft {
    const total = 1 + work.instructions.filter(isStep).length;
    const label = this.#labelOf(stage);
    const own = this.#options.label === undefined ? '' : `${this.#options.label} `;
    let step = 1;
    let draft = work.begin;
    const { settings: shared, noCacheFilter = [] } = this.#options;
    const settings = noCacheFilter.some(name => isCalled(stage, name))
      ? { ...shared, noCache: true }
      : shared;
    for (const instruction of work.instructions) {
      const line = new LineContext(settings, {
        instruction,
        nextStep: () => ({
          id: `${own}${stage.index}.${++step}`,
          prefix: `[${own}${label}${step}/${total}] `,
        }),
        sourceOf: (from, use) => work.sources.get(sourceKey(from, use)) as SourceOfCopy,
      });
      const next = applyLine(instruction, draft, line);
      if (next.vertex !== draft.vertex) this.steps.push(next.vertex);
      draft = next;
    }
    return draft;
  }

  #labelOf(stage: Stage): string {
    if (stage.name !== undefined) return `${stage.name} `;
    return this.#options.program.stages.length > 1 ? `stage-${stage.index} ` : '';
  }

  async #begin(stage: Stage): Promise<StageDraft> {
    const { image } = stage.from;
    const platform = this.#platformFor(stage);
    const name = this.#expandGlobal(stage, image);
    if (name === '') {
      throw dockerfileError(
        'base name should not be blank',
        this.#location(stage, image),
        'Give the ARG a value, or a default.',
      );
    }
    const parent = findBaseStage(this.#options.program, name, stage.from);
    if (parent !== undefined) return continueStage(await this.draftOf(parent));
    if (name === 'scratch') return beginStage({ vertex: scratchVertex, platform });
    const named = await this.#named(name, stage, image);
    if (named !== undefined) return this.#draftOfNamed(named, platform);
    const use: ImageUse = { what: 'FROM', name, location: this.#location(stage, image) };
    const base = await this.#resolve(use, { stage, platform });
    return beginStage({ vertex: base.vertex, platform, image: base.config });
  }

  #named(name: string, stage: Stage, word: Word): Promise<NamedSource | undefined> {
    const platform = this.#platformFor(stage);
    return findNamed(this.#options, name, { platform, location: this.#location(stage, word) });
  }

  #draftOfNamed({ base, context }: NamedSource, platform: Platform): StageDraft {
    if (base !== undefined) return beginStage({ vertex: base.vertex, platform, image: base.config });
    if (context === undefined) return beginStage({ vertex: scratchVertex, platform });
    let vertex = this.#contexts.get(context);
    if (vertex === undefined) {
      vertex = contextVertex(context);
      this.#contexts.set(context, vertex);
      this.steps.push(vertex);
    }
    return { ...beginStage({ vertex, platform }), baseLayers: 1 };
  }

  #platformFor(stage: Stage): Platform {
    const { platform } = stage.from;
    return platform === undefined ? this.#options.platform : this.#platformOf(stage, platform);
  }

  #platformOf(stage: Stage, word: Word): Platform {
    const text = this.#expandGlobal(stage, word);
    try {
      return parsePlatform(text);
    } catch (error) {
      throw new HawserError('PLATFORM_INVALID', `invalid platform ${JSON.stringify(text)} of FROM`, {
        cause: error,
        location: this.#location(stage, word),
        remedy: 'Write os/architecture[/variant], e.g. linux/arm64.',
      });
    }
  }

  #expandGlobal(stage: Stage, word: Word): string {
    const { settings } = this.#options;
    const location = () => this.#location(stage, word);
    return expandWord(word.text, settings.globals, { escape: settings.escape, location }).text;
  }

  #location(stage: Stage, word: Word): SourceLocation {
    return locationIn(stage.from.node.line, word);
  }

  #collectSources(
    stage: Stage,
    instructions: readonly StageInstruction[],
    sources: Map<string, Promise<SourceOfCopy>>,
  ): void {
    for (const instruction of instructions) {
      for (const [word, use] of namedSources(instruction)) {
        const key = sourceKey(word, use);
        if (sources.has(key)) continue;
        const source = this.#sourceOf(stage, { instruction, word }, use);
        source.catch(() => undefined);
        sources.set(key, source);
      }
    }
  }

  /** `--from`: a stage before this one by name or number, else an image. */
  async #sourceOf(
    stage: Stage,
    place: { readonly instruction: StageInstruction; readonly word: Word },
    use: SourceUse,
  ): Promise<SourceOfCopy> {
    const from = place.word.text;
    const numbers = use === 'copy';
    const location = locationIn(place.instruction.node.line, place.word);
    if (!(numbers && /^[+-]?\d+$/.test(from))) {
      const named = await findSource(this.#options, from, location);
      if (named !== undefined) return named;
    }
    const found = findSourceStage(this.#options.program, from, { before: stage, numbers, place });
    if (found !== undefined) {
      return { vertex: (await this.draftOf(found)).vertex, name: `stage ${found.name ?? found.index}` };
    }
    if (from === 'scratch') return { vertex: scratchVertex, name: from };
    const { platform } = this.#options;
    const base = await this.#resolve({ what: '--from', name: from, location }, { stage, platform });
    return { vertex: base.vertex, name: `image ${from}` };
  }

  async #resolve(
    use: ImageUse,
    place: { readonly stage: Stage; readonly platform: Platform },
  ): Promise<ResolvedBase> {
    const { resolveBase, program } = this.#options;
    try {
      return await resolveBase(use.name, place.platform, use.location);
    } catch (error) {
      throw withNearName(error, use, { program, stage: place.stage });
    }
  }
}

/** The stages and images that a line takes files from. */
function namedSources(instruction: StageInstruction): readonly (readonly [Word, SourceUse])[] {
  if (instruction.kind === 'copy' && instruction.from !== undefined) return [[instruction.from, 'copy']];
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap(flag => {
    const word = mountSource(flag);
    return word === undefined ? [] : [[word, 'mount'] as const];
  });
}

function sourceKey(word: Word, use: SourceUse): string {
  return `${use} ${word.text}`;
}
