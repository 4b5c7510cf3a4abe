import { arch } from 'node:process';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from './descriptor.ts';

/** image-spec 1.1 image-index.md, property `platform`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

/** Other names of architectures, and the variant that they imply; containerd platforms/database.go has the same rules. */
const architectureNames: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ['i386', ['386']],
  ['i686', ['386']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
]);

const nodeArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** The platform with canonical names: `linux/aarch64/v8` → `linux/arm64`, `linux/arm` → `linux/arm/v7`. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const [architecture, implied] = architectureNames.get(given) ?? [given];
  let variant =
    platform.variant === undefined || platform.variant === '' ? implied : platform.variant.toLowerCase();
  if (architecture === 'arm64' && (variant === '8' || variant === 'v8' || variant === 'v8.0'))
    variant = undefined;
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  if (architecture === 'arm' && variant !== undefined && /^\d$/.test(variant)) variant = `v${variant}`;
  if (architecture === 'arm') variant ??= 'v7';
  const { variant: _, ...rest } = platform;
  return { ...rest, os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/**
 * Reads `os/arch[/variant]`, `arch` or `os` in Docker's spelling.
 *
 * @throws HawserError PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some(part => !/^[A-Za-z0-9_.-]+$/.test(part))) {
    throw new HawserError('PLATFORM_INVALID', `invalid platform ${JSON.stringify(text)}`, {
      remedy: 'Use os/arch[/variant], e.g. linux/amd64 or linux/arm/v7.',
    });
  }
  const [first = '', second, variant] = parts;
  if (second !== undefined) {
    return normalizePlatform({
      os: first,
      architecture: second,
      ...(variant === undefined ? {} : { variant }),
    });
  }
  const isSystem = ['linux', 'windows', 'darwin', 'macos', 'freebsd'].includes(first.toLowerCase());
  return normalizePlatform(
    isSystem ? { ...hostPlatform(), os: first } : { os: 'linux', architecture: first },
  );
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}

/** The platform that containers run on here. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: nodeArchitectures[arch] ?? arch });
}

/** Variants that run on a machine of `platform`, the best first; containerd platforms/compare.go. */
function runnable(platform: Platform): Platform[] {
  const { os, architecture, variant } = platform;
  const level = Number(variant?.replace(/^v/, '').split('.')[0] ?? Number.NaN);
  if (architecture === 'arm') {
    return [7, 6, 5]
      .filter(known => known <= level)
      .map(known => ({ os, architecture, variant: `v${known}` }));
  }
  if (architecture === 'arm64') {
    return [
      { os, architecture, ...(variant === undefined ? {} : { variant }) },
      { os, architecture },
      { os, architecture: 'arm', variant: 'v7' },
      { os, architecture: 'arm', variant: 'v6' },
    ];
  }
  if (architecture === 'amd64') {
    const levels = [4, 3, 2].filter(known => known <= level);
    return [
      ...levels.map(known => ({ os, architecture, variant: `v${known}` })),
      { os, architecture },
      { os, architecture: '386' },
    ];
  }
  return [{ os, architecture, ...(variant === undefined ? {} : { variant }) }];
}

/** Whether an image of `offered` runs on `wanted`, and how well: 0 is best, undefined is not at all. */
export function platformRank(offered: Platform, wanted: Platform): number | undefined {
  const text = formatPlatform(normalizePlatform(offered));
  const rank = runnable(normalizePlatform(wanted)).findIndex(candidate => formatPlatform(candidate) === text);
  return rank < 0 ? undefined : rank;
}

/**
 * The entry of an index that fits `wanted` best. Entries without a platform, and attestations (`unknown/unknown`), are
 * never chosen.
 */
export function selectPlatform(descriptors: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  let best: { descriptor: Descriptor; rank: number } | undefined;
  for (const descriptor of descriptors) {
    const rank = descriptor.platform === undefined ? undefined : platformRank(descriptor.platform, wanted);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { descriptor, rank };
  }
  return best?.descriptor;
}
