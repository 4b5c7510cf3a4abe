import { apkPackages } from './apk.ts';
import { dpkgPackages } from './dpkg.ts';
import type { Distribution, FoundPackage } from './found-package.ts';
import { ImageFiles } from './image-files.ts';
import { npmPackages } from './npm.ts';
import { rpmPackages } from './rpm.ts';

export interface ScannedImage {
  readonly packages: readonly FoundPackage[];
  readonly distribution: Distribution | undefined;
  /** What could not be read. */
  readonly notes: readonly string[];
}

/** All packages that an image's own databases tell of. */
export function scanImage(root: string): ScannedImage {
  const files = new ImageFiles(root);
  const rpm = rpmPackages(files);
  return {
    packages: [...dpkgPackages(files), ...apkPackages(files), ...rpm.packages, ...npmPackages(files)],
    distribution: distributionOf(files),
    notes: rpm.notes,
  };
}

/** os-release(5) */
function distributionOf(files: ImageFiles): Distribution | undefined {
  const text = files.read('etc/os-release') ?? files.read('usr/lib/os-release') ?? '';
  const field = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)["']?$`, 'm').exec(text)?.[1];
  const id = field('ID');
  return id === undefined
    ? undefined
    : { id, version: field('VERSION_ID') ?? field('VERSION_CODENAME') ?? '' };
}
