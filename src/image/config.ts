import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, digestOf } from './digest.ts';
import {
  asArray,
  asDigest,
  asObject,
  asString,
  child,
  isMissing,
  type JsonField,
  type JsonObject,
  optionalArray,
  optionalString,
  optionalStringMap,
  parseJsonObject,
  withoutNulls,
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

function checkHealthcheck(field: JsonField): void {
  if (isMissing(field)) return;
  checkStrings(child(field, 'Test'));
  for (const key of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries']) {
    const number = child(field, key);
    if (!isMissing(number) && !Number.isInteger(number.value)) throw wrongField(number, 'a whole number');
  }
}

/** @returns the field's value; undefined where it is missing */
function asContainerConfig(field: JsonField): JsonObject | undefined {
  if (isMissing(field)) return undefined;
  for (const key of ['User', 'WorkingDir', 'StopSignal']) optionalString(child(field, key));
  for (const key of ['Env', 'Entrypoint', 'Cmd', 'OnBuild', 'Shell']) checkStrings(child(field, key));
  for (const key of ['ExposedPorts', 'Volumes']) {
    const map = child(field, key);
    if (!isMissing(map)) asObject(map);
  }
  optionalStringMap(child(field, 'Labels'));
  checkHealthcheck(child(field, 'Healthcheck'));
  return withoutNulls(asObject(field));
}

/** @returns the entries; undefined where there is no history */
function asHistory(root: JsonField, layers: number): readonly JsonObject[] | undefined {
  const history = child(root, 'history');
  const entries = optionalArray(history);
  let filled = 0;
  for (const entry of entries) {
    for (const key of ['created', 'created_by', 'author', 'comment']) optionalString(child(entry, key));
    const empty = child(entry, 'empty_layer');
    if (!isMissing(empty) && typeof empty.value !== 'boolean') throw wrongField(empty, 'true or false');
    if (empty.value !== true) filled++;
  }
  // Some tools write no history, or one without the base's part; more layers in it than there are is an error.
  if (filled > layers) {
    throw wrongField({ ...history, value: filled }, `at most ${layers} entries that have a layer`);
  }
  return isMissing(history) ? undefined : entries.map(entry => withoutNulls(asObject(entry)));
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
  for (const key of ['variant', 'created', 'author', 'os.version']) optionalString(child(root, key));
  checkStrings(child(root, 'os.features'));
  const rootfs = child(root, 'rootfs');
  const type = child(rootfs, 'type');
  if (type.value !== 'layers') throw wrongField(type, '"layers"');
  const diffIDs = child(rootfs, 'diff_ids');
  const digests = diffIDs.value === null ? [] : asArray(diffIDs).map(asDigest);
  const config = asContainerConfig(child(root, 'config'));
  const history = asHistory(root, digests.length);
  const image = {
    ...withoutNulls(value),
    ...(config === undefined ? {} : { config }),
    rootfs: { type: 'layers' as const, diff_ids: digests },
    ...(history === undefined ? {} : { history }),
  };
  return { digest: digestOf(bytes), bytes, value: image as unknown as ImageConfig };
}

/** The document of a config that is made here, in the key order of `value`. */
export function serializeImageConfig(value: ImageConfig): ConfigDocument {
  return parseImageConfig(new TextEncoder().encode(JSON.stringify(value)));
}
