import type { RepositoryName } from '../../distribution/names.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import type { StorageDriver } from './driver.ts';
import { knownReferrersFolder, knownReferrersPath } from './paths.ts';
import { removeOlder } from './remove-older.ts';

/** Bytes of one list. */
const LIMIT = 16 << 20;

/**
 * What another registry listed as the referrers of a manifest, one index a subject, beside the volume of registry:2. Most
 * of what a list names is not here: nobody has asked for it.
 */
export class KnownReferrers {
  readonly #driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** Undefined where no list is known. */
  async get(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[] | undefined> {
    const bytes = await this.#driver.readSmall(knownReferrersPath(name, subject), LIMIT);
    if (bytes === undefined) return undefined;
    try {
      const document = parseManifest(bytes);
      return document.kind === 'index' ? document.value.manifests : undefined;
    } catch (error) {
      if (isHawserError(error, 'MANIFEST_INVALID')) return undefined; // cut short by a crash
      throw error;
    }
  }

  /** Writes only what is new. */
  async set(name: RepositoryName, subject: Digest, manifests: readonly Descriptor[]): Promise<void> {
    const path = knownReferrersPath(name, subject);
    const content = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
    if ((await this.#driver.readSmall(path, LIMIT))?.toString() === content) return;
    await this.#driver.write(path, content, { durable: false });
  }

  /** Forgets lists that were written before a time, in milliseconds since 1970. */
  async expire(before: number): Promise<void> {
    await removeOlder(this.#driver, knownReferrersFolder, before);
  }
}
