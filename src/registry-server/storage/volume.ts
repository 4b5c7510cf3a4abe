import { Blobs } from './blobs.ts';
import { listRepositories } from './catalog.ts';
import type { StorageDriver } from './driver.ts';
import { KnownReferrers } from './known-referrers.ts';
import { Manifests } from './manifests.ts';
import { Referrers } from './referrers.ts';
import { Tags } from './tags.ts';
import { type UploadLimits, Uploads } from './uploads.ts';

/** A registry's volume in the layout of registry:2, by what is in it. */
export interface Volume {
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly knownReferrers: KnownReferrers;
  /** The repositories behind `after`, in the catalog's order. */
  readonly repositories: (after?: string) => ReturnType<typeof listRepositories>;
}

const defaultLimits: UploadLimits = { maxOpen: 10_000, idleTime: 600_000 };

export function openVolume(driver: StorageDriver, limits: Partial<UploadLimits> = {}): Volume {
  const manifests = new Manifests(driver);
  const tags = new Tags(driver);
  return {
    blobs: new Blobs(driver),
    uploads: new Uploads(driver, { ...defaultLimits, ...limits }),
    manifests,
    tags,
    referrers: new Referrers(driver, { manifests, tags }),
    knownReferrers: new KnownReferrers(driver),
    repositories: after => listRepositories(driver, after),
  };
}
