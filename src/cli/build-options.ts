import type { BuildOptions } from '../builder/environment.ts';
import type { LayoutStore } from '../content/store.ts';
import type { Platform } from '../image/platform.ts';
import type { Roots } from '../util/roots.ts';
import type { LimitFlags } from './limit-flags.ts';

interface CacheFlags {
  readonly 'no-cache': boolean;
  readonly 'no-cache-filter': readonly string[] | undefined;
  readonly 'cache-from': readonly string[] | undefined;
  readonly 'cache-to': readonly string[] | undefined;
}

/** What is reused, and where it comes from and goes; who uses neither loads nothing for them. */
export async function cacheOptions(flags: CacheFlags) {
  const { 'cache-from': from = [], 'cache-to': to = [], 'no-cache-filter': stages = [] } = flags;
  const reuse = { noCache: flags['no-cache'], noCacheFilter: stages.flatMap(names => names.split(',')) };
  if (from.length + to.length === 0) return { ...reuse, cacheFrom: [], cacheTo: [] };
  const { parseCacheSource, parseCacheTarget } = await import('./cache-flags.ts');
  const cacheTo = to.map(parseCacheTarget);
  return { ...reuse, cacheFrom: await Promise.all(from.map(parseCacheSource)), cacheTo };
}

/** Who limits nothing loads nothing for it. */
export async function limitOptions(flags: LimitFlags) {
  const { 'shm-size': shm, ulimit, 'cgroup-parent': parent, resource } = flags;
  if ([shm, ulimit, parent, resource].every(flag => flag === undefined)) return {};
  return (await import('./limit-flags.ts')).parseLimits(flags);
}

/** Each once, in the order in which they are given. */
export async function platformOptions(
  texts: readonly string[] | undefined,
): Promise<{ readonly platforms?: readonly Platform[] }> {
  if (texts === undefined) return {};
  const { formatPlatform, parsePlatform } = await import('../image/platform.ts');
  const platforms = texts.flatMap(text => text.split(',')).map(text => parsePlatform(text.trim()));
  return {
    platforms: [...new Map(platforms.map(platform => [formatPlatform(platform), platform])).values()],
  };
}

/** Where the result goes; who names no place loads nothing for it. */
export async function outputOptions(flags: {
  readonly output: readonly string[] | undefined;
  readonly annotation: readonly string[] | undefined;
  readonly tag: readonly string[] | undefined;
  readonly push: boolean;
  readonly load: boolean;
  readonly iidfile: string | undefined;
  readonly 'metadata-file': string | undefined;
  readonly attest: readonly string[] | undefined;
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
}): Promise<Pick<BuildOptions, 'outputs' | 'annotations' | 'attest' | 'iidfile' | 'metadataFile'>> {
  const { output = [], annotation = [], push, load, iidfile, 'metadata-file': metadataFile } = flags;
  const files = {
    ...(iidfile === undefined ? {} : { iidfile }),
    ...(metadataFile === undefined ? {} : { metadataFile }),
  };
  const says = [flags.attest, flags.provenance, flags.sbom].some(flag => flag !== undefined);
  if (output.length + annotation.length === 0 && !push && !load && !says) return files;
  const { buildOutputs, parseAnnotation } = await import('./output-flags.ts');
  return {
    ...files,
    ...(says ? { attest: (await import('./attest-flags.ts')).parseAttest(flags) } : {}),
    outputs: buildOutputs(flags, { stdoutIsTerminal: process.stdout.isTTY === true }),
    annotations: annotation.flatMap(parseAnnotation),
  };
}

/** The time that the build pretends to be at: `--timestamp`, else SOURCE_DATE_EPOCH of the environment. */
export async function timeOptions(
  timestamp: string | undefined,
  place: { readonly context: string; readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Pick<BuildOptions, 'sourceDateEpoch'>> {
  const { sourceDateEpoch } = await import('./build-flags.ts');
  if (timestamp === undefined) return sourceDateEpoch(place.env.SOURCE_DATE_EPOCH);
  if (timestamp !== 'git') return sourceDateEpoch(timestamp, '--timestamp');
  const { commitTime } = await import('./commit-time.ts');
  return { sourceDateEpoch: await commitTime(place.context, place.signal) };
}

/** `--provenance` and `--sbom` alone, which never take the next word for their value. */
export function withFlagValues(argv: readonly string[]): string[] {
  return argv.map(word => (word === '--provenance' || word === '--sbom' ? `${word}=true` : word));
}

/** How what builds keep is brought down to a limit, where there is one. */
export async function storageLimit(text: string | undefined) {
  if (text === undefined || text === '') return undefined;
  const { limitBuilder, parseKeepStorage } = await import('./limit-builder.ts');
  const limit = parseKeepStorage(text);
  return (roots: Roots, store: LayoutStore, signal: AbortSignal) =>
    limitBuilder(roots, store, { limit, signal });
}
