import { randomBytes } from 'node:crypto';
import type { Lease } from '../content/store.ts';
import { hostPlatform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import { throwIfAborted } from '../util/abort.ts';
import { BuildAttempt, type SharedParts } from './build-attempt.ts';
import { BuildCache } from './cache/build-cache.ts';
import type { ImportedCache } from './cache/imported-cache.ts';
import { type ContextRequest, openContext } from './context/open-context.ts';
import { dockerfileText, parseDockerfile } from './dockerfile/parse.ts';
import { parseProgram } from './dockerfile/stages.ts';
import { requireBuiltInFrontend } from './dockerfile/syntax.ts';
import type { BuildEnvironment, BuildOptions, BuildResult } from './environment.ts';
import { remoteLoader } from './remote/load-remotes.ts';
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
  const invocation = { id: randomBytes(12).toString('hex'), started: new Date() };
  const names = (options.tags ?? []).map(tag => formatReference(withDefaultTag(parseReference(tag))));
  const signal = environment.signal ?? new AbortController().signal;
  const scratch = new ScratchFolders(`${environment.cacheRoot}/scratch`);
  const { cacheRoot } = environment;
  const loaderFor = (until: AbortSignal) =>
    remoteLoader({ cacheRoot, scratch, secrets: options.secrets ?? [], signal: until });
  let lease: Lease | undefined;
  try {
    const loadContextRemotes = loaderFor(signal);
    const context = await openContext(contextRequest(options), {
      memos: `${cacheRoot}/contexts`,
      scratch,
      loadRemotes: loadContextRemotes,
      ...(environment.observer === undefined ? {} : { observer: environment.observer }),
      signal,
    });
    const { name, bytes } = context.dockerfile;
    const text = dockerfileText(bytes);
    requireBuiltInFrontend(text, { file: name, override: options.buildArgs?.BUILDKIT_SYNTAX });
    const program = parseProgram(parseDockerfile(text, { file: name }));
    lease = await freshLease(environment);
    const imported = await importedCache(options, environment);
    const shared = { environment, program, context, scratch, lease, names, imported };
    const { observer } = environment;
    const timed = await withSourceDateEpoch(options, { program, context, observer });
    const parts = { ...shared, loadContextRemotes, invocation, loaderFor, options: timed };
    return await tryUntilNothingIsLost(parts, signal);
  } finally {
    await scratch.close();
    await lease?.release();
  }
}

/** After what builds left that were killed: looks into folders that are mostly empty. */
async function freshLease({ store, sweepLeft }: BuildEnvironment): Promise<Lease> {
  await sweepLeft?.();
  await store.leases.removeEnded();
  await store.sweepTemporary();
  return store.leases.acquire('build');
}

async function importedCache(
  { cacheFrom = [], platforms = [hostPlatform()] }: BuildOptions,
  { store, cacheRoot, observer }: BuildEnvironment,
): Promise<ImportedCache | undefined> {
  if (cacheFrom.length === 0) return undefined;
  const { ImportedCache } = await import('./cache/imported-cache.ts');
  const warn = (message: string) => observer?.warning?.(message);
  return new ImportedCache(cacheFrom, { store, cache: new BuildCache(cacheRoot), platforms, warn });
}

/**
 * Builds, and builds again without it when a layer that an imported cache promised cannot be had: what was finished
 * meanwhile is in the local cache. Each loss takes promises away, so this ends.
 */
async function tryUntilNothingIsLost(parts: SharedParts, signal: AbortSignal): Promise<BuildResult> {
  for (let tries = 1; ; tries++) {
    const losses = parts.imported?.losses;
    const abort = new AbortController();
    const stop = () => abort.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const build = new BuildAttempt({
      ...parts,
      loadRemotes: parts.loaderFor(abort.signal),
      abort,
      isFirst: tries === 1,
    });
    try {
      throwIfAborted(signal);
      return await build.run();
    } catch (error) {
      if (signal.aborted || parts.imported?.losses === losses) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await build.close();
    }
  }
}

function contextRequest({ context, file, dockerfile, stdin, buildArgs = {} }: BuildOptions): ContextRequest {
  const keepGitDir = /^(?:1|t|true)$/i.test(buildArgs.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '');
  return { context, file, dockerfile, stdin, keepGitDir };
}
