import { availableParallelism } from 'node:os';
import type { Lease } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { formatPlatform, hostPlatform, type Platform } from '../image/platform.ts';
import { throwIfAborted } from '../util/abort.ts';
import { BuildCache } from './cache/build-cache.ts';
import type { ImportedCache } from './cache/imported-cache.ts';
import type { LayersAhead } from './cache/layers-ahead.ts';
import { checkBeforeSteps } from './check-before-steps.ts';
import { NamedContexts } from './context/named-contexts.ts';
import type { OpenedContext } from './context/open-context.ts';
import type { Program } from './dockerfile/stages.ts';
import type { BuildEnvironment, BuildResult } from './environment.ts';
import type { FileState } from './execute/file-state.ts';
import { shownVertex, type Vertex } from './execute/operation.ts';
import { Solver } from './execute/solver.ts';
import { Workspace } from './execute/workspace.ts';
import { Exporter, type ExportWork } from './export/export-image.ts';
import { type FinishedImage, finishImage } from './export/finish-image.ts';
import type { PlatformImage, StoreWork } from './export/platform-image.ts';
import { squashImage } from './export/squash-image.ts';
import { writeBuildFiles } from './export/write-build-files.ts';
import { type BuildObserver, silentObserver } from './observer.ts';
import { globalVariables } from './plan/global-variables.ts';
import { type BuildPlan, planBuild } from './plan/plan-build.ts';
import type { RemoteSources } from './remote/remote-sources.ts';
import { Bases } from './resolve-bases.ts';
import type { ScratchFolders } from './scratch-folder.ts';
import { isPushed, sendAhead } from './send-ahead.ts';
import type { TimedOptions } from './source-date-epoch.ts';

export interface SharedParts {
  readonly options: TimedOptions;
  readonly environment: BuildEnvironment;
  readonly program: Program;
  readonly context: OpenedContext;
  readonly scratch: ScratchFolders;
  readonly lease: Lease;
  readonly names: readonly string[];
  /** `--cache-from` */
  readonly imported: ImportedCache | undefined;
  readonly loadContextRemotes: () => Promise<RemoteSources>;
  readonly invocation: { readonly id: string; readonly started: Date };
  readonly loaderFor: (until: AbortSignal) => () => Promise<RemoteSources>;
}

/** What the steps came to, and which of them are the image. */
interface SolvedSteps {
  readonly results: Solver['results'];
  readonly targets: readonly Vertex[];
}

/** Of one try. */
interface BuildParts extends SharedParts {
  readonly loadRemotes: () => Promise<RemoteSources>;
  readonly abort: AbortController;
  /** What was told of the plan and its checks is not told again. */
  readonly isFirst: boolean;
}

/** Steps wait for networks and disks more than they compute: docs/decisions/0030-steps-at-once.md */
function defaultJobs(): number {
  return Math.max(4, availableParallelism() + 1);
}

/** One try of a build: its plan, its steps, what goes out. */
export class BuildAttempt {
  readonly #parts: BuildParts;
  readonly #observer: BuildObserver;
  readonly #bases: Bases;
  readonly #workspace: Workspace;
  readonly #named: NamedContexts;
  #ahead: LayersAhead | undefined;

  constructor(parts: BuildParts) {
    const { environment, lease, abort, options } = parts;
    this.#parts = parts;
    this.#observer = environment.observer ?? silentObserver;
    this.#bases = new Bases({
      environment,
      lease,
      observer: this.#observer,
      pull: options.pull === true,
      signal: abort.signal,
    });
    this.#named = new NamedContexts(options.contexts ?? {}, {
      memos: `${environment.cacheRoot}/contexts`,
      scratch: parts.scratch,
      loadRemotes: parts.loadRemotes,
      store: environment.store,
      lease,
      signal: abort.signal,
      resolveBase: (image, wanted, location) => this.#bases.resolve(image, wanted, location),
      useImage: (name, descriptor, platform) => this.#bases.useImage(name, descriptor, platform),
    });
    this.#workspace = new Workspace({
      store: environment.store,
      openSnapshotter: environment.openSnapshotter,
      lease,
      signal: abort.signal,
      fetchLayer: layer => this.#fetchLayer(layer),
      epoch: options.sourceDateEpoch,
    });
  }

  async run(): Promise<BuildResult> {
    const { environment, lease, abort, options, context, imported, isFirst } = this.#parts;
    const plans: BuildPlan[] = [];
    for (const platform of this.#platforms) plans.push(await this.#plan(platform));
    if (isFirst) {
      checkBeforeSteps({ ...this.#parts, bases: this.#bases, observer: this.#observer });
      this.#observer.planned?.(plans.flatMap(plan => plan.steps).map(shownVertex));
    }
    const targets = plans.map(({ draft }) => draft.vertex);
    this.#ahead = await sendAhead({ ...this.#parts, signal: abort.signal, targets });
    const solver = new Solver({
      onLayer: (vertex, layer) => this.#ahead?.take(vertex, layer),
      cache: new BuildCache(environment.cacheRoot),
      imported,
      store: environment.store,
      lease,
      workspace: this.#workspace,
      observer: this.#observer,
      jobs: options.jobs ?? defaultJobs(),
      abort,
    });
    const states = await solver.solve(targets);
    await context.save();
    await this.#named.save();
    const steps = { results: solver.results, targets };
    if (isPushed(options)) await this.#ahead?.close();
    const result = await this.#export(plans, states, steps);
    await this.#exportCaches(steps);
    return result;
  }

  async close(): Promise<void> {
    await this.#ahead?.close();
    await this.#workspace.close();
  }

  /** The image of each platform, with its new layers as one where that was asked for. */
  async #finish(
    plans: readonly BuildPlan[],
    states: readonly FileState[],
    work: StoreWork & { readonly steps: SolvedSteps },
  ): Promise<readonly PlatformImage[]> {
    const { labels = {}, sourceDateEpoch: epoch, squash } = this.#parts.options;
    const images: PlatformImage[] = [];
    for (const [index, { draft }] of plans.entries()) {
      const state = states[index];
      if (state === undefined) throw new Error('the solver gave no state');
      const plain = finishImage(draft, state, { labels, epoch });
      const steps = { ...work.steps, targets: [draft.vertex] };
      const image = await this.#withInlineCache(plain, steps);
      const squashed = squash === true ? await squashImage(image, draft.baseLayers, work) : image;
      images.push({ platform: this.#platforms[index] ?? draft.platform, image: squashed, state });
    }
    return images;
  }

  async #withInlineCache(image: FinishedImage, steps: SolvedSteps): Promise<FinishedImage> {
    const { cacheTo = [], squash } = this.#parts.options;
    if (!cacheTo.some(({ type }) => type === 'inline')) return image;
    if (squash === true) {
      this.#observer.warning?.('a squashed image has no layers of steps, and gets no cache inline');
      return image;
    }
    const { withInlineCache } = await import('./cache/export-cache.ts');
    return { ...image, manifest: withInlineCache(image.manifest, steps) };
  }

  async #exportCaches(steps: SolvedSteps): Promise<void> {
    const { environment, lease, imported, options, abort } = this.#parts;
    const targets = (options.cacheTo ?? []).filter(target => target.type !== 'inline');
    if (targets.length === 0) return;
    await this.#ahead?.close();
    const { exportCaches } = await import('./cache/export-cache.ts');
    await exportCaches(targets, {
      ...steps,
      store: environment.store,
      lease,
      imported,
      push: environment.pushCache,
      mountRoot: `${environment.cacheRoot}/mounts`,
      warn: message => this.#observer.warning?.(message),
      observer: this.#observer,
      signal: abort.signal,
    });
  }

  get #restoreCache(): ((folder: string, key: string) => Promise<void>) | undefined {
    const { imported, lease, abort } = this.#parts;
    return imported === undefined
      ? undefined
      : (folder, key) => imported.restoreMount(folder, key, { lease, signal: abort.signal });
  }

  async #fetchLayer(layer: Descriptor): Promise<void> {
    const { imported, lease, abort } = this.#parts;
    if ((await imported?.fetch(layer, { lease, signal: abort.signal })) === true) return;
    await this.#bases.fetchLayer(layer);
  }

  get #platforms(): readonly Platform[] {
    const { platforms = [] } = this.#parts.options;
    return platforms.length === 0 ? [hostPlatform()] : platforms;
  }

  #plan(platform: Platform): Promise<BuildPlan> {
    const { environment, program, options, context, loadRemotes } = this.#parts;
    const buildArgs = options.buildArgs ?? {};
    return planBuild({
      program,
      target: options.target,
      platform,
      ...(this.#platforms.length > 1 ? { label: formatPlatform(platform) } : {}),
      noCacheFilter: options.noCacheFilter ?? [],
      resolveBase: (image, wanted, location) => this.#bases.resolve(image, wanted, location),
      findNamed: (name, wanted, location) => this.#named.find(name, wanted, location),
      settings: {
        escape: program.dockerfile.escape,
        buildArgs,
        globals: globalVariables(program, {
          buildArgs,
          target: platform,
          build: hostPlatform(),
          stage: options.target,
        }),
        context: context.files,
        loadRemotes,
        surroundings: {
          loadRunStep: environment.loadRunStep,
          run: environment.run,
          isolation: environment.isolation ?? 'auto',
          debugShell: environment.debugShell,
          mounts: {
            cacheRoot: `${environment.cacheRoot}/mounts`,
            run: environment.run,
            secrets: options.secrets ?? [],
            agents: options.agents ?? [],
            copies: new Map(),
            restoreCache: this.#restoreCache,
          },
        },
        network: options.network ?? 'default',
        extraHosts: options.extraHosts ?? [],
        limits: options.limits ?? {},
        epoch: options.sourceDateEpoch,
        noCache: options.noCache === true,
        allow: new Set(options.allow ?? []),
      },
    });
  }

  async #predicates(steps: readonly Vertex[]): Promise<ExportWork['predicatesOf']> {
    const { options, names } = this.#parts;
    const { attest } = options;
    if (attest?.provenance === undefined && attest?.sbom !== true) return undefined;
    const [{ predicateMaker }, { gatherFacts }] = await Promise.all([
      import('./attest/predicates.ts'),
      import('./attest/gather-facts.ts'),
    ]);
    return predicateMaker(attest, {
      workspace: this.#workspace,
      names,
      facts: () => gatherFacts({ ...this.#parts, steps, bases: this.#bases }),
      warn: message => this.#observer.warning?.(message),
    });
  }

  async #export(
    plans: readonly BuildPlan[],
    states: readonly FileState[],
    steps: SolvedSteps,
  ): Promise<BuildResult> {
    const { options, environment, lease, abort, names, invocation } = this.#parts;
    const { signal } = abort;
    const outputs = options.outputs ?? [];
    const places = [...new Set(outputs.map(({ type }) => type))];
    const vertex = {
      id: 'export',
      name: `exporting to ${places.length === 0 ? 'image' : places.join(', ')}`,
    };
    this.#observer.vertexStarted(vertex);
    try {
      throwIfAborted(signal);
      for (const { descriptor } of states.flatMap(({ layers }) => layers)) await this.#fetchLayer(descriptor);
      const work = { store: environment.store, lease, signal };
      const images = await this.#finish(plans, states, { ...work, steps });
      const predicatesOf = await this.#predicates(plans.flatMap(plan => plan.steps));
      const exported = await new Exporter({
        ...work,
        workspace: this.#workspace,
        images,
        isIndex: images.length > 1 || isTrue(options.buildArgs?.BUILDKIT_MULTI_PLATFORM),
        names,
        annotations: options.annotations ?? [],
        push: environment.pushImage,
        predicatesOf,
        observer: this.#observer,
      }).run(outputs);
      const result = await writeBuildFiles({ ...exported, predicatesOf, id: invocation.id }, options);
      this.#observer.vertexDone(vertex);
      return result;
    } catch (error) {
      this.#observer.vertexFailed(vertex, error);
      throw error;
    }
  }
}

/** As Go reads a truth value. */
function isTrue(text: string | undefined): boolean {
  return /^(?:1|t|true)$/i.test(text ?? '');
}
