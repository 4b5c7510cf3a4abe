import { availableParallelism } from 'node:os';
import type { Lease } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { ManifestOfImage } from '../image/manifest.ts';
import { hostPlatform } from '../image/platform.ts';
import { throwIfAborted } from '../util/abort.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { BuildCache } from './cache/build-cache.ts';
import type { ImportedCache } from './cache/imported-cache.ts';
import type { LayersAhead } from './cache/layers-ahead.ts';
import { ignoreOptionOf, refuseFindings, unconsumedArguments } from './check-build.ts';
import { NamedContexts } from './context/named-contexts.ts';
import type { OpenedContext } from './context/open-context.ts';
import { checkProgram } from './dockerfile/lint/check.ts';
import { isCalled, type Program } from './dockerfile/stages.ts';
import type { BuildEnvironment, BuildOptions, BuildResult } from './environment.ts';
import { shownVertex, type Vertex } from './execute/operation.ts';
import { Solver } from './execute/solver.ts';
import { Workspace } from './execute/workspace.ts';
import {
  descriptorOf,
  type ExportWork,
  nameImage,
  squashImage,
  storeImage,
  writeOutput,
} from './export/export-image.ts';
import { type FinishedImage, finishImage } from './export/finish-image.ts';
import { type BuildObserver, silentObserver } from './observer.ts';
import { globalVariables } from './plan/global-variables.ts';
import { type BuildPlan, planBuild } from './plan/plan-build.ts';
import type { RemoteSources } from './remote/remote-sources.ts';
import { Bases } from './resolve-bases.ts';
import type { ScratchFolders } from './scratch-folder.ts';

export interface SharedParts {
  readonly options: BuildOptions;
  readonly environment: BuildEnvironment;
  readonly program: Program;
  readonly context: OpenedContext;
  readonly scratch: ScratchFolders;
  readonly lease: Lease;
  readonly names: readonly string[];
  /** `--cache-from` */
  readonly imported: ImportedCache | undefined;
  readonly loaderFor: (until: AbortSignal) => () => Promise<RemoteSources>;
}

/** What the steps came to, and which of them is the image. */
interface SolvedSteps {
  readonly results: Solver['results'];
  readonly target: Vertex;
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
    const plan = await this.#plan();
    if (isFirst) {
      this.#check();
      this.#observer.planned?.(plan.steps.map(shownVertex));
    }
    this.#ahead = await this.#layersAhead(plan.draft.vertex);
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
    const [state] = await solver.solve([plan.draft.vertex]);
    if (state === undefined) throw new Error('the solver gave no state');
    await context.save();
    await this.#named.save();
    const steps = { results: solver.results, target: plan.draft.vertex };
    const plain = finishImage(plan.draft, state, {
      labels: options.labels ?? {},
      epoch: options.sourceDateEpoch,
    });
    const image = { ...plain, manifest: await this.#withInlineCache(plain.manifest, steps) };
    const exported = await this.#export({
      store: environment.store,
      workspace: this.#workspace,
      lease,
      image,
      state,
      squashFrom: options.squash === true ? plan.draft.baseLayers : undefined,
      names: this.#parts.names,
      signal: abort.signal,
    });
    await this.#exportCaches(steps);
    return { descriptor: descriptorOf(exported), imageID: exported.config.digest, names: this.#parts.names };
  }

  async close(): Promise<void> {
    await this.#ahead?.close();
    await this.#workspace.close();
  }

  async #layersAhead(target: Vertex): Promise<LayersAhead | undefined> {
    const { environment, lease, abort, options } = this.#parts;
    const { cacheTo = [] } = options;
    if (cacheTo.length === 0) return undefined;
    const [{ aheadTargets }, { LayersAhead }] = await Promise.all([
      import('./cache/export-cache.ts'),
      import('./cache/layers-ahead.ts'),
    ]);
    const { store, openUploads } = environment;
    return new LayersAhead(aheadTargets(cacheTo, { target, openUploads }), {
      store,
      lease,
      signal: abort.signal,
    });
  }

  async #withInlineCache(manifest: ManifestOfImage, steps: SolvedSteps): Promise<ManifestOfImage> {
    const { cacheTo = [], squash } = this.#parts.options;
    if (!cacheTo.some(({ type }) => type === 'inline')) return manifest;
    if (squash === true) {
      this.#observer.warning?.('a squashed image has no layers of steps, and gets no cache inline');
      return manifest;
    }
    const { withInlineCache } = await import('./cache/export-cache.ts');
    return withInlineCache(manifest, steps);
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
      observer: this.#observer,
      signal: abort.signal,
    });
  }

  async #fetchLayer(layer: Descriptor): Promise<void> {
    const { imported, lease, abort } = this.#parts;
    if ((await imported?.fetch(layer, { lease, signal: abort.signal })) === true) return;
    await this.#bases.fetchLayer(layer);
  }

  #plan(): Promise<BuildPlan> {
    const { environment, program, options, context, loadRemotes } = this.#parts;
    const platform = options.platform ?? hostPlatform();
    const buildArgs = options.buildArgs ?? {};
    return planBuild({
      program,
      target: options.target,
      platform,
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
          mounts: {
            cacheRoot: `${environment.cacheRoot}/mounts`,
            run: environment.run,
            secrets: options.secrets ?? [],
            agents: options.agents ?? [],
            copies: new Map(),
          },
        },
        network: options.network ?? 'default',
        extraHosts: options.extraHosts ?? [],
        epoch: options.sourceDateEpoch,
        noCache: options.noCache === true,
        allow: new Set(options.allow ?? []),
      },
    });
  }

  /** The checks come after the plan, when the base images are known, and before the first step. */
  #check(): void {
    const { program, options, context } = this.#parts;
    const { findings, config } = checkProgram(program, {
      file: program.dockerfile.source.file,
      buildArgs: options.buildArgs ?? {},
      target: options.target,
      stages: 'needed',
      ...(options.platform === undefined ? {} : { platform: options.platform }),
      baseConfig: (image, platform) => this.#bases.configOf(image, platform),
      ignore: ignoreOptionOf(context.files.tree),
    });
    this.#observer.checked?.(findings);
    const unconsumed = unconsumedArguments(program, options.buildArgs ?? {});
    if (unconsumed.length > 0) {
      this.#observer.warning?.(`build arguments that no ARG asks for: ${unconsumed.join(', ')}`);
    }
    this.#warnOfUnknownStages();
    if (config.error) refuseFindings(findings);
  }

  /** A typing error would show in nothing but cached steps; a list that serves several Dockerfiles may name others'. */
  #warnOfUnknownStages(): void {
    const { program, options } = this.#parts;
    for (const name of options.noCacheFilter ?? []) {
      if (!program.stages.some(stage => isCalled(stage, name)))
        this.#observer.warning?.(`no stage is called ${JSON.stringify(name)}, as --no-cache-filter says`);
    }
  }

  /** @returns the image as it went out: squashed, where that was asked for */
  async #export(finished: ExportWork): Promise<FinishedImage> {
    const { options } = this.#parts;
    const outputs = options.outputs ?? [];
    const vertex = {
      id: 'export',
      name:
        outputs.length === 0
          ? 'exporting to image'
          : `exporting to ${outputs.map(({ type }) => type).join(', ')}`,
    };
    this.#observer.vertexStarted(vertex);
    try {
      throwIfAborted(finished.signal);
      for (const { descriptor } of finished.state.layers) await this.#fetchLayer(descriptor);
      const image = await squashImage(finished);
      const work = { ...finished, image };
      await storeImage(work);
      if (outputs.length === 0) await nameImage(work);
      for (const output of outputs) await writeOutput(output, work);
      if (options.iidfile !== undefined) await writeFileAtomic(options.iidfile, image.config.digest);
      this.#observer.vertexDone(vertex);
      return image;
    } catch (error) {
      this.#observer.vertexFailed(vertex, error);
      throw error;
    }
  }
}
