import { mkdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import { withFileLock } from '../../util/file-lock.ts';
import { networkFolder } from './network-folder.ts';

/** An IPv4 network: the address as a number, and the length of its prefix. */
export interface Network {
  readonly address: number;
  readonly prefix: number;
}

/** @throws HawserError INVALID_ARGUMENT for anything but `a.b.c.d/n` */
export function parseNetwork(text: string): Network {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const parts = match?.slice(1, 5).map(Number) ?? [];
  const prefix = Number(match?.[5]);
  if (match === null || parts.some(part => part > 255) || prefix > 32) {
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not an IPv4 network`);
  }
  return { address: parts.reduce((sum, part) => sum * 256 + part, 0), prefix };
}

export function networksOverlap(left: Network, right: Network): boolean {
  const prefix = Math.min(left.prefix, right.prefix);
  const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return (left.address & mask) >>> 0 === (right.address & mask) >>> 0;
}

/** The networks of /proc/net/route; the default route is none. */
export function parseRoutes(text: string): readonly Network[] {
  const reverse = (hex: string) => Number.parseInt((hex.match(/../g) ?? []).toReversed().join(''), 16);
  return text
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, destination, , , , , , mask] = line.split(/\s+/);
      if (destination === undefined || mask === undefined || mask === '00000000') return [];
      const bits = reverse(mask).toString(2).replaceAll('0', '').length;
      return [{ address: reverse(destination), prefix: bits }];
    });
}

function readRoutes(): readonly Network[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .flatMap(({ cidr, family }) => (family === 'IPv4' && cidr !== null ? [parseNetwork(cidr)] : []));
  return [...parseRoutes(readFileSync('/proc/net/route', 'latin1')), ...addresses];
}

/** 10.88 is Podman's: we begin after it. */
const candidates = Array.from({ length: 100 }, (_, index) => `10.${89 + index}.0.0/16`);

/** The first candidate that no route leads into. @throws HawserError NETWORK_FAILED */
export function freeSubnet(routes: readonly Network[]): string {
  const free = candidates.find(text => routes.every(route => !networksOverlap(route, parseNetwork(text))));
  if (free !== undefined) return free;
  throw new HawserError('NETWORK_FAILED', 'no subnet from 10.89.0.0/16 to 10.188.0.0/16 is free');
}

/** The subnet of the bridge, chosen once a boot. */
export async function bridgeSubnet(): Promise<string> {
  const path = join(networkFolder, 'subnet');
  const known = readKnown(path);
  if (known !== undefined) return known;
  mkdirSync(networkFolder, { recursive: true });
  return withFileLock(join(networkFolder, 'lock'), async () => {
    const now = readKnown(path);
    if (now !== undefined) return now;
    const chosen = freeSubnet(readRoutes());
    await writeFileAtomic(path, chosen, { durable: false });
    return chosen;
  });
}

function readKnown(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
