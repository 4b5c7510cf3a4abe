import type { Volume } from './storage/volume.ts';

/** What handlers know besides the request. */
export interface RegistryContext {
  readonly volume: Volume;
  /** Whether DELETE of tags, manifests and blobs is allowed. */
  readonly deleteEnabled: boolean;
  /** Whether a Location has no scheme and host. */
  readonly relativeURLs: boolean;
  /** Whether an image manifest is taken whose config or layers the repository lacks. */
  readonly sparseImages: boolean;
  /** What `_catalog?n=` is clamped to. */
  readonly catalogLimit: number;
}
