import { readFileSync } from 'node:fs';

/** What the ids of this process stand for. */
export type IdMap =
  /** Itself: no user namespace, or one that changes nothing. */
  | 'all'
  /** Some of the machine's: root here is a plain user there. */
  | 'range'
  /** One id alone: nothing can be given to another owner. */
  | 'one';

/** Of the lines of user_namespaces(7)'s uid_map: first inside, first outside, count. */
export function parseIdMap(text: string): IdMap {
  const ranges = text
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number));
  const [first] = ranges;
  if (ranges.length === 1 && first?.[0] === 0 && first[1] === 0 && first[2] === 0xffff_ffff) return 'all';
  return ranges.reduce((sum, [, , count = 0]) => sum + count, 0) === 1 ? 'one' : 'range';
}

let known: IdMap | undefined;

export function ownIdMap(): IdMap {
  known ??= parseIdMap(readFileSync('/proc/self/uid_map', 'latin1'));
  return known;
}

/** Undefined where they are all the machine's. */
export function mappedIds(): Exclude<IdMap, 'all'> | undefined {
  const map = ownIdMap();
  return map === 'all' ? undefined : map;
}

/** What the kernel grants this process, as one text: what was found to work for another one may not work for it. */
export function ownPrivileges(): string {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return ` ${effective} ${ownIdMap()}`;
}

/** Whether the kernel grants this process less than root has: no devices, no file systems but a few. */
export function isInUserNamespace(): boolean {
  return ownIdMap() !== 'all';
}
