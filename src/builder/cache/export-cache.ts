import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { collectGarbage } from '../../content/gc.ts';
import { openLayoutStore } from '../../content/layout-store.ts';
import type { LayoutStore, Lease } from '../../content/store.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { type ManifestOfImage, serializeManifest } from '../../image/manifest.ts';
import { type LayerCompression, mediaTypes } from '../../image/media-types.ts';
import { type PreparedLayer, prepareLayer } from '../../layers/compress-layer.ts';
import { mapPool } from '../../util/pool.ts';
import type { Vertex } from '../execute/operation.ts';
import type { SolvedStep } from '../execute/solver.ts';
import type { BuildObserver } from '../observer.ts';
import { type CacheStep, cacheConfig, inlineCacheAnnotation, serializeCache } from './cache-document.ts';
import type { ImportedCache } from './imported-cache.ts';
import type { AheadTarget, LayerUploads } from './layers-ahead.ts';

interface CacheTargetCommon {
  /** `min`: layers of the image only, and of other steps what names them; `max`: layers of all steps. */
  readonly mode: 'min' | 'max';
  readonly compression: LayerCompression;
  readonly level?: number | undefined;
  /** Cache mounts go along. */
  readonly mounts: boolean;
  /** A failure is a warning. */
  readonly ignoreError: boolean;
}

/** `--cache-to` */
export type CacheTarget =
  | { readonly type: 'inline' }
  | (CacheTargetCommon & {
      readonly type: 'registry';
      readonly reference: string;
      readonly plainHttp: boolean;
    })
  | (CacheTargetCommon & { readonly type: 'local'; readonly folder: string; readonly tag: string });

type ArtifactTarget = Exclude<CacheTarget, { readonly type: 'inline' }>;

/** What of the layers can go to these targets before the build is at its end. */
export function aheadTargets(
  targets: readonly CacheTarget[],
  {
    targets: top,
    openUploads,
  }: {
    readonly targets: readonly Vertex[];
    readonly openUploads: OpenUploads | undefined;
  },
): readonly AheadTarget[] {
  const own = stepsOfImage(top);
  return targets.flatMap(target => {
    if (target.type === 'inline') return [];
    const { compression, level, mode } = target;
    const wants = (vertex: Vertex) => mode === 'max' || own.has(vertex);
    if (target.type === 'local') return [{ wants, compression, level }];
    if (openUploads === undefined) return [];
    return [{ wants, compression, level, openUploads: () => openUploads(target) }];
  });
}

/** Opens a repository for layers that go ahead. */
export type OpenUploads = (target: {
  readonly reference: string;
  readonly plainHttp: boolean;
}) => Promise<LayerUploads>;

/** Puts an artifact where others find it; the command wires a registry client in. */
export type PushCache = (
  target: { readonly reference: string; readonly plainHttp: boolean },
  artifact: {
    readonly store: LayoutStore;
    readonly descriptor: Descriptor;
    readonly prepareLayer: (layer: Descriptor) => Promise<PreparedLayer>;
    readonly signal: AbortSignal;
  },
) => Promise<void>;

interface ExportCacheWork {
  readonly store: LayoutStore;
  readonly lease: Lease;
  readonly results: ReadonlyMap<Vertex, SolvedStep>;
  /** The vertices of the image's files, one of each platform. */
  readonly targets: readonly Vertex[];
  readonly imported: ImportedCache | undefined;
  readonly push: PushCache | undefined;
  /** Of all cache mounts. */
  readonly mountRoot: string;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

const PARALLEL_COPIES = 2;

/** The vertices whose layers the image has. */
export function stepsOfImage(targets: readonly Vertex[]): ReadonlySet<Vertex> {
  const chain = new Set<Vertex>();
  for (const target of targets) {
    for (let vertex: Vertex | undefined = target; vertex !== undefined; vertex = vertex.inputs[0])
      chain.add(vertex);
  }
  return chain;
}

/** Keys of all steps; `numberOf` gives the layer of those whose layer goes along. */
function listSteps(
  results: ExportCacheWork['results'],
  numberOf: (vertex: Vertex, layer: Descriptor) => number | undefined,
): readonly CacheStep[] {
  const steps = new Map<Digest, CacheStep>();
  for (const [vertex, { keys, layer }] of results) {
    const { descriptor, diffID, created, caches } = layer;
    const number = numberOf(vertex, descriptor);
    for (const key of keys) {
      if (steps.get(key)?.layer !== undefined) continue;
      steps.set(key, {
        key,
        diffID,
        size: descriptor.size,
        created,
        ...(caches === undefined ? {} : { caches }),
        ...(number === undefined ? {} : { layer: number }),
      });
    }
  }
  return [...steps.values()];
}

/**
 * The image's manifest with the keys of its steps, for `type=inline`; the layers are those that the image has anyway. The
 * config, and so the image's id, stay as they are.
 */
export function withInlineCache(
  manifest: ManifestOfImage,
  work: Pick<ExportCacheWork, 'results' | 'targets'>,
): ManifestOfImage {
  const own = stepsOfImage(work.targets);
  const digests = manifest.value.layers.map(({ digest }) => digest);
  const steps = listSteps(work.results, (vertex, { digest }) => {
    const number = own.has(vertex) ? digests.indexOf(digest) : -1;
    return number < 0 ? undefined : number;
  });
  const annotations = { ...manifest.value.annotations, [inlineCacheAnnotation]: serializeCache(steps) };
  return serializeManifest({ ...manifest.value, annotations });
}

/**
 * Takes the results of a build to a registry or a folder: an OCI manifest with the layers, and a config that lists the
 * keys. Layers go compressed; those that came from another cache and were not fetched go from there.
 *
 * @throws HawserError, whatever the registry or the disk says
 */
async function exportCache(target: ArtifactTarget, work: ExportCacheWork): Promise<void> {
  const { store, lease, imported, signal } = work;
  const { steps, layers } = collect(target.mode, work);
  if (target.mounts) {
    const { packMounts } = await import('./mount-artifacts.ts');
    const keys = [...work.results.values()].flatMap(({ layer }) => layer.caches ?? []);
    layers.push(...(await packMounts(work.mountRoot, keys, work)));
  }
  const config = cacheConfig(steps);
  const manifest = serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: config.descriptor,
    layers,
  });
  const descriptor = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
  for (const { bytes, digest } of [{ bytes: config.bytes, ...config.descriptor }, manifest]) {
    await store.ingest([bytes], { digest, size: bytes.length, lease, signal });
  }
  const { compression, level } = target;
  const prepare = async (layer: Descriptor) =>
    withAnnotations(
      layer,
      imported?.prepared(layer.digest, signal) ??
        (await prepareLayer(store, layer, { compression, level, lease, signal })),
    );
  if (target.type === 'local') return writeFolder(target, { manifest, config, prepare, signal });
  if (work.push === undefined) throw new HawserError('UNSUPPORTED', 'no registry can be reached from here');
  await work.push(target, { store, descriptor, prepareLayer: prepare, signal });
}

function collect(mode: 'min' | 'max', { results, targets }: ExportCacheWork) {
  const own = stepsOfImage(targets);
  const layers = new Map<Digest, Descriptor>();
  const steps = listSteps(results, (vertex, layer) => {
    if (mode === 'min' && !own.has(vertex)) return undefined;
    layers.set(layer.digest, layer);
    return [...layers.keys()].indexOf(layer.digest);
  });
  return { steps, layers: [...layers.values()] };
}

/** What was compressed before, for an image, is remembered without them. */
function withAnnotations({ annotations }: Descriptor, prepared: PreparedLayer): PreparedLayer {
  if (annotations === undefined) return prepared;
  const { descriptor } = prepared;
  const annotated = (plain: Descriptor) => ({ ...plain, annotations });
  return {
    ...prepared,
    descriptor: descriptor instanceof Promise ? descriptor.then(annotated) : annotated(descriptor),
  };
}

/** All of `--cache-to` that is not in the image itself, one after the other. */
export async function exportCaches(
  targets: readonly ArtifactTarget[],
  work: ExportCacheWork & { readonly observer: BuildObserver },
): Promise<void> {
  const { observer, signal } = work;
  for (const [index, target] of targets.entries()) {
    const place = target.type === 'registry' ? target.reference : target.folder;
    const vertex = { id: `cache ${index}`, name: `exporting cache to ${place}` };
    observer.vertexStarted(vertex);
    try {
      await exportCache(target, work);
      observer.vertexDone(vertex);
    } catch (error) {
      observer.vertexFailed(vertex, error);
      if (signal.aborted || !target.ignoreError) throw error;
    }
  }
}

interface FolderWork {
  readonly manifest: ManifestOfImage;
  readonly config: ReturnType<typeof cacheConfig>;
  readonly prepare: (layer: Descriptor) => Promise<PreparedLayer>;
  readonly signal: AbortSignal;
}

/** Blobs before the name, so that a crash leaves the cache that was there; then what that one alone had goes. */
async function writeFolder(
  target: { readonly folder: string; readonly tag: string },
  work: FolderWork,
): Promise<void> {
  const { manifest, config, prepare, signal } = work;
  const root = resolve(target.folder);
  const layout = await openLayoutStore(root, { state: join(root, '.hawser') });
  const lease = await layout.leases.acquire('cache');
  try {
    const layers = await mapPool(manifest.value.layers, layer => copyLayer(layer), {
      limit: PARALLEL_COPIES,
      signal,
    });
    const written = serializeManifest({ ...manifest.value, layers });
    const { bytes: listed, descriptor } = config;
    await layout.ingest([listed], { digest: descriptor.digest, size: listed.length, lease, signal });
    const { digest, mediaType, bytes } = written;
    await layout.ingest([bytes], { digest, size: bytes.length, lease, signal });
    await layout.references.set(target.tag, { mediaType, digest, size: bytes.length });
  } finally {
    await lease.release();
  }
  if (await hasOnlyNamed(root)) await collectGarbage(layout, { signal });

  async function copyLayer(layer: Descriptor): Promise<Descriptor> {
    const prepared = await prepare(layer);
    if (prepared.descriptor instanceof Promise) {
      const info = await layout.ingest(prepared.open(), { lease, signal });
      return { ...(await prepared.descriptor), ...info };
    }
    const { digest, size } = prepared.descriptor;
    await layout.ingest(prepared.open(), { digest, size, lease, signal });
    return prepared.descriptor;
  }
}

/** Whether nothing in a layout is without a name, by which a collector would know it. */
async function hasOnlyNamed(root: string): Promise<boolean> {
  try {
    const index = JSON.parse(await readFile(join(root, 'index.json'), 'utf8')) as {
      readonly manifests: readonly Descriptor[];
    };
    return index.manifests.every(
      ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] !== undefined,
    );
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
