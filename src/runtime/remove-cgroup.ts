import { readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';

/** Where the hierarchies of cgroups v1 and v2 are mounted: proc(5) mountinfo, `… MOUNT-POINT … - TYPE …`. */
function mountPoints(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter(line => / - cgroup2? /.test(line))
    .map(line => line.split(' ')[4] ?? '');
}

/** Not there, in use again, or not ours to remove. */
const harmless = ['ENOENT', 'EBUSY', 'ENOTEMPTY', 'EROFS', 'EACCES', 'EPERM'];

/** Removes a cgroup that holds nothing any more from every hierarchy; the runtime removes only its containers' own. */
export function removeCgroup(path: string): void {
  for (const point of mountPoints()) {
    try {
      rmdirSync(join(point, path));
    } catch (error) {
      if (!harmless.includes(systemErrorCode(error) ?? '')) throw error;
    }
  }
}
