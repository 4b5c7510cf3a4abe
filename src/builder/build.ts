import { availableParallelism } from 'node:os';
import type { Lease } from '../content/store.ts';
import { hostPlatform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import { throwIfAborted } from '../util/abort.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { BuildCache } from './cache/build-cache.ts';
import { ignoreOptionOf, refuseFindings, unconsumedArguments } from './check-build.ts';
import { NamedContexts } from './context/named-contexts.ts';
import { type ContextRequest, type OpenedContext, openContext } from './context/open-context.ts';
import { checkProgram } from './dockerfile/lint/check.ts';
import { dockerfileText, parseDockerfile } from './dockerfile/parse.ts';
import { type Program, parseProgram } from './dockerfile/stages.ts';
import { requireBuiltInFrontend } from './dockerfile/syntax.ts';
import type { BuildEnvironment, BuildOptions, BuildResult } from './environment.ts';
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
import { remoteLoader } from './remote/load-remotes.ts';
import type { RemoteSources } from './remote/remote-sources.ts';
import { Bases } from './resolve-bases.ts';
import { ScratchFolders } from './scratch-folder.ts';
import { withSourceDateEpoch } from './source-date-epoch.ts';

/**
 * Builds an image from a Dockerfile. docs/build-lifecycle.md tells what happens when, and what a crash leaves.
 *
 * @throws HawserError DOCKERFILE_INVALID, DOCKERFILE_UNKNOWN, CONTEXT_INVALID, COPY_SOURCE_UNKNOWN, STAGE_UNKNOWN,
 * IMAGE_UNKNOWN, CHECK_FAILED, BUILD_STEP_FAILED, SECRET_UNKNOWN, ENTITLEMENT_MISSING, NO_SPACE, ABORTED; with the
 * place in the Dockerfile where there is one
 */
export async function buildImage(options: BuildOptions, environment: BuildEnvironment): Promise<BuildResult> {
  throwIfAborted(environment.signal);
  const names = (options.tags ?? []).map(tag => formatReference(withDefaultTag(parseReference(tag))));
  const abort = new AbortController();
  const stop = () => abort.abort(environment.signal?.reason);
  environment.signal?.addEventListener('abort', stop, { once: true });
  const scratch = new ScratchFolders(`${environment.cacheRoot}/scratch`);
  const loadRemotes = remoteLoader({
    cacheRoot: environment.cacheRoot,
    scratch,
    secrets: options.secrets ?? [],
    signal: abort.signal,
  });
  let lease: Lease | undefined;
  try {
    const context = await openContext(contextRequest(options), {
      memos: `${environment.cacheRoot}/contexts`,
      scratch,
      loadRemotes,
      ...(environment.observer === undefined ? {} : { observer: environment.observer }),
      signal: abort.signal,
    });
    const { name, bytes } = context.dockerfile;
    const text = dockerfileText(bytes);
    requireBuiltInFrontend(text, { file: name, override: options.buildArgs?.BUILDKIT_SYNTAX });
    const program = parseProgram(parseDockerfile(text, { file: name }));
    lease = await environment.store.leases.acquire('build');
    const build = new Build({
      options: withSourceDateEpoch(options, program),
      environment,
      program,
      context,
      scratch,
      loadRemotes,
      lease,
      abort,
      names,
    });
    try {
      return await build.run();
    } finally {
      await build.close();
    }
  } finally {
    environment.signal?.removeEventListener('abort', stop);
    await scratch.close();
    await lease?.release();
  }
}

/** Steps wait for networks and disks more than they compute: docs/decisions/0030-steps-at-once.md */
function defaultJobs(): number {
  return Math.max(4, availableParallelism() + 1);
}

function contextRequest({ context, file, dockerfile, stdin, buildArgs = {} }: BuildOptions): ContextRequest {
  const keepGitDir = /^(?:1|t|true)$/i.test(buildArgs.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '');
  return { context, file, dockerfile, stdin, keepGitDir };
}

interface BuildParts {
  readonly options: BuildOptions;
  readonly environment: BuildEnvironment;
  readonly program: Program;
  readonly context: OpenedContext;
  readonly scratch: ScratchFolders;
  readonly loadRemotes: () => Promise<RemoteSources>;
  readonly lease: Lease;
  readonly abort: AbortController;
  readonly names: readonly string[];
}

class Build {
  readonly #parts: BuildParts;
  readonly #observer: BuildObserver;
  readonly #bases: Bases;
  readonly #workspace: Workspace;
  readonly #named: NamedContexts;

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
      fetchLayer: layer => this.#bases.fetchLayer(layer),
      epoch: options.sourceDateEpoch,
    });
  }

  async run(): Promise<BuildResult> {
    const { environment, lease, abort, options, context } = this.#parts;
    const plan = await this.#plan();
    this.#check();
    this.#observer.planned?.(plan.steps.map(({ id, name, location }) => ({ id, name, location })));
    const solver = new Solver({
      cache: new BuildCache(environment.cacheRoot),
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
    const image = finishImage(plan.draft, state, {
      labels: options.labels ?? {},
      epoch: options.sourceDateEpoch,
    });
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
    return { descriptor: descriptorOf(exported), imageID: exported.config.digest, names: this.#parts.names };
  }

  close(): Promise<void> {
    return this.#workspace.close();
  }

  #plan(): Promise<BuildPlan> {
    const { environment, program, options, context, loadRemotes } = this.#parts;
    const platform = options.platform ?? hostPlatform();
    const buildArgs = options.buildArgs ?? {};
    return planBuild({
      program,
      target: options.target,
      platform,
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
    if (config.error) refuseFindings(findings);
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
      for (const { descriptor } of finished.state.layers) await this.#bases.fetchLayer(descriptor);
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
