import { Buffer } from 'node:buffer';
import { type Digest, digestAlgorithm, digestOf } from './digest.ts';
import {
  asDigest,
  asObject,
  asSize,
  asString,
  child,
  isMissing,
  type JsonField,
  type JsonObject,
  optionalArray,
  optionalString,
  optionalStringMap,
  withoutNulls,
  wrongField,
} from './json-check.ts';
import type { Platform } from './platform.ts';

/** image-spec 1.1 descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, base64. */
  readonly data?: string;
  readonly artifactType?: string;
  readonly platform?: Platform;
}

/** RFC 6838 section 4.2: type "/" subtype. */
const mediaTypePattern = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** A media type, without parameters. */
export function asMediaType(field: JsonField): string {
  const text = asString(field);
  if (!mediaTypePattern.test(text)) throw wrongField(field, 'a media type');
  return text;
}

function checkPlatform(field: JsonField): void {
  if (isMissing(field)) return;
  asString(child(field, 'os'));
  asString(child(field, 'architecture'));
  for (const key of ['variant', 'os.version']) optionalString(child(field, key));
  for (const feature of optionalArray(child(field, 'os.features'))) asString(feature);
}

/** Embedded content must be what the descriptor says: image-spec 1.1 descriptor.md, `data`. */
function checkData(field: JsonField, digest: Digest, size: number): void {
  const text = optionalString(field);
  if (text === undefined) return;
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64') === text;
  if (!canonical || bytes.length !== size || digestOf(bytes, digestAlgorithm(digest)) !== digest) {
    throw wrongField(
      { ...field, value: text.slice(0, 40) },
      'base64 of the content that digest and size name',
    );
  }
}

/**
 * A descriptor with all fields that it has, also those that the specification does not know.
 *
 * @throws HawserError MANIFEST_INVALID naming the field
 */
export function asDescriptor(field: JsonField): Descriptor {
  asMediaType(child(field, 'mediaType'));
  const digest = asDigest(child(field, 'digest'));
  const size = asSize(child(field, 'size'));
  for (const url of optionalArray(child(field, 'urls'))) asString(url);
  optionalStringMap(child(field, 'annotations'));
  optionalString(child(field, 'artifactType'));
  checkPlatform(child(field, 'platform'));
  checkData(child(field, 'data'), digest, size);
  const value = withoutNulls(asObject(field));
  const { platform } = value;
  const known = platform === undefined ? {} : { platform: withoutNulls(platform as JsonObject) };
  return { ...value, ...known } as unknown as Descriptor;
}
