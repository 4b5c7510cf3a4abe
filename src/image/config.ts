import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, digestOf } from './digest.ts';
import {
  asArray,
  asDigest,
  asObject,
  asString,
  child,
  type JsonField,
  optionalArray,
  optionalString,
  optionalStringMap,
  parseJsonObject,
  wrongField,
} from './json-check.ts';

/** Docker's extension of the image config; durations in nanoseconds. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** image-spec 1.1 config.md, `config`, and Docker's extensions to it. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[];
  readonly ArgsEscaped?: boolean;
}

/** image-spec 1.1 config.md, `history`. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** image-spec 1.1 config.md */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly config?: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

export interface ConfigDocument {
  readonly digest: Digest;
  /** The bytes that the digest is of. */
  readonly bytes: Uint8Array;
  readonly value: ImageConfig;
}

/** Bytes; what is read into memory at most. */
export const configSizeLimit = 8 << 20;

function checkStrings(field: JsonField): void {
  for (const item of optionalArray(field)) asString(item);
}

function checkContainerConfig(field: JsonField): void {
  if (field.value === undefined || field.value === null) return;
  for (const key of ['User', 'WorkingDir', 'StopSignal']) optionalString(child(field, key));
  for (const key of ['Env', 'Entrypoint', 'Cmd', 'OnBuild', 'Shell']) checkStrings(child(field, key));
  for (const key of ['ExposedPorts', 'Volumes']) {
    const map = child(field, key);
    if (map.value !== undefined && map.value !== null) asObject(map);
  }
  optionalStringMap(child(field, 'Labels'));
}

function checkHistory(root: JsonField, layers: number): void {
  const entries = optionalArray(child(root, 'history'));
  let filled = 0;
  for (const entry of entries) {
    optionalString(child(entry, 'created_by'));
    const empty = child(entry, 'empty_layer');
    if (empty.value !== undefined && empty.value !== null && typeof empty.value !== 'boolean')
      throw wrongField(empty, 'true or false');
    if (empty.value !== true) filled++;
  }
  // Some tools write no history, or one without the base's part; more layers in it than there are is an error.
  if (filled > layers) {
    throw wrongField(
      { ...child(root, 'history'), value: filled },
      `at most ${layers} entries that have a layer`,
    );
  }
}

/**
 * Reads an image config. Fields that nobody knows are kept.
 *
 * @throws HawserError MANIFEST_INVALID naming the field, SIZE_INVALID
 */
export function parseImageConfig(bytes: Uint8Array): ConfigDocument {
  if (bytes.length > configSizeLimit) {
    throw new HawserError(
      'SIZE_INVALID',
      `image config of ${bytes.length} bytes is over the limit of ${configSizeLimit}`,
    );
  }
  const value = parseJsonObject('image config', bytes);
  const root: JsonField = { document: 'image config', path: '', value };
  asString(child(root, 'architecture'));
  asString(child(root, 'os'));
  optionalString(child(root, 'variant'));
  optionalString(child(root, 'created'));
  const rootfs = child(root, 'rootfs');
  const type = child(rootfs, 'type');
  if (type.value !== 'layers') throw wrongField(type, '"layers"');
  const diffIDs = child(rootfs, 'diff_ids');
  const digests = diffIDs.value === null ? [] : asArray(diffIDs).map(asDigest);
  checkContainerConfig(child(root, 'config'));
  checkHistory(root, digests.length);
  const config = {
    ...(value as unknown as ImageConfig),
    rootfs: { type: 'layers' as const, diff_ids: digests },
  };
  return { digest: digestOf(bytes), bytes, value: config };
}

/** The document of a config that is made here, in the key order of `value`. */
export function serializeImageConfig(value: ImageConfig): ConfigDocument {
  return parseImageConfig(new TextEncoder().encode(JSON.stringify(value)));
}
