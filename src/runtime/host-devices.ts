import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { splitDevice } from '../layers/fs-ops.ts';
import type { OciSpec } from './oci/oci-types.ts';

/** The devices of the host, for a privileged container or build step. */
export function hostDevices(): OciSpec['linux']['devices'] {
  return readdirSync('/dev').flatMap(name => {
    const stat = statSync(join('/dev', name), { throwIfNoEntry: false });
    if (stat === undefined || !(stat.isCharacterDevice() || stat.isBlockDevice()) || name === 'ptmx')
      return [];
    const { major, minor } = splitDevice(stat.rdev);
    const type = stat.isBlockDevice() ? ('b' as const) : ('c' as const);
    return [
      { path: `/dev/${name}`, type, major, minor, fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid },
    ];
  });
}
