import type { ConfigDocument, HistoryEntry, ImageConfig } from '../../image/config.ts';
import { serializeImageConfig } from '../../image/config.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { type ManifestOfImage, serializeManifest } from '../../image/manifest.ts';
import { layerCompressionOf, mediaTypes } from '../../image/media-types.ts';
import type { FileState, StateLayer } from '../execute/file-state.ts';
import type { StageDraft } from '../plan/stage-draft.ts';

export interface FinishedImage {
  readonly config: ConfigDocument;
  readonly manifest: ManifestOfImage;
}

export interface FinishOptions {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly epoch: number | undefined;
}

/** Config and manifest of a stage whose files are known. Pure: the same stage and layers give the same bytes. */
export function finishImage(draft: StageDraft, state: FileState, options: FinishOptions): FinishedImage {
  const history = finishHistory(draft, state, options.epoch);
  const created = history.findLast(entry => entry.created !== undefined)?.created;
  const labels = { ...draft.config.Labels, ...options.labels };
  const config: ImageConfig = {
    ...(created === undefined ? {} : { created }),
    ...(draft.author === undefined ? {} : { author: draft.author }),
    ...draft.platform,
    config: { ...draft.config, ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }) },
    rootfs: { type: 'layers', diff_ids: state.layers.map(({ diffID }) => diffID) },
    history,
  };
  const document = serializeImageConfig(config);
  const manifest = serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: document.digest, size: document.bytes.length },
    layers: state.layers.map(({ descriptor }) => ociLayer(descriptor)),
  });
  return { config: document, manifest };
}

/** A layer of a Docker image by its OCI media type: the bytes are the same. */
function ociLayer(descriptor: Descriptor): Descriptor {
  const { digest, size } = descriptor;
  if (descriptor.mediaType.includes('nondistributable') || descriptor.mediaType.includes('foreign'))
    return descriptor;
  const types = {
    uncompressed: mediaTypes.ociLayer,
    gzip: mediaTypes.ociLayerGzip,
    zstd: mediaTypes.ociLayerZstd,
  };
  const compression = layerCompressionOf(descriptor.mediaType);
  return { mediaType: compression === undefined ? descriptor.mediaType : types[compression], digest, size };
}

/**
 * The history as BuildKit writes it: lines with a layer have its time; lines without one that of the layer before them,
 * or of the first new layer. A base image whose history does not tell all its layers gets entries for the rest.
 */
function finishHistory(
  draft: StageDraft,
  state: FileState,
  epoch: number | undefined,
): readonly HistoryEntry[] {
  const base = draft.history.slice(0, draft.baseHistory);
  const missing = draft.baseLayers - base.filter(entry => entry.empty_layer !== true).length;
  const filler: HistoryEntry[] = Array.from({ length: Math.max(0, missing) }, () => ({
    comment: 'buildkit.exporter.image.v0',
  }));
  const entries = [...base, ...filler, ...draft.history.slice(base.length)];
  if (epoch !== undefined) {
    const time = new Date(epoch * 1000).toISOString();
    return entries.map((entry, index) => (index < base.length ? entry : { created: time, ...entry }));
  }
  return fillTimes(withLayerTimes(entries, state.layers));
}

function withLayerTimes(
  entries: readonly HistoryEntry[],
  layers: readonly StateLayer[],
): readonly HistoryEntry[] {
  let index = 0;
  return entries.map(entry => {
    if (entry.empty_layer === true) return entry;
    const created = layers[index++]?.created;
    return entry.created === undefined && created !== undefined ? { created, ...entry } : entry;
  });
}

function fillTimes(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const firstMissing = entries.findIndex(entry => entry.created === undefined);
  if (firstMissing < 0) return entries;
  // The first new layer's time for what stands before it: the base image's time would say that it is as old.
  const after = entries.slice(firstMissing).find(entry => entry.created !== undefined);
  let time = (after ?? entries.findLast(entry => entry.created !== undefined))?.created;
  return entries.map((entry, index) => {
    if (index < firstMissing) return entry;
    if (entry.created === undefined) return time === undefined ? entry : { created: time, ...entry };
    time = entry.created;
    return entry;
  });
}
