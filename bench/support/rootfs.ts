import { copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../test/e2e/support/run.ts';

const wanted = { entries: 8700, bytes: 170_000_000 };
/** None so large that it would take the place of many, and few of the very small ones. */
const sizes = { smallest: 2000, largest: 12_000_000 };

/** This machine's own programs and documents, in turn from several folders: no random bytes pack as a distribution does. */
function* systemFiles(): Generator<string, void> {
  const walk = function* (folder: string): Generator<string, void> {
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isDirectory()) yield* walk(path);
      else if (!stat.isFile() || (stat.size >= sizes.smallest && stat.size <= sizes.largest)) yield path;
    }
  };
  let walks = ['/usr/bin', '/usr/lib', '/usr/share', '/usr/include'].map(walk);
  while (walks.length > 0) {
    const steps = walks.map(files => files.next());
    for (const { value, done } of steps) if (done !== true) yield value;
    walks = walks.filter((_, index) => steps[index]?.done !== true);
  }
}

/** 8,700 files and links of 170 MB: like a distribution's layer. */
export function writeRootfs(folder: string): void {
  let entries = 0;
  let bytes = 0;
  for (const path of systemFiles()) {
    if (entries === wanted.entries) return;
    const stat = lstatSync(path);
    // Neither the number nor the size may run away from the other.
    if (stat.isFile() && bytes + stat.size > 12_000_000 + entries * (wanted.bytes / wanted.entries)) continue;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(path), target);
    else copyFileSync(path, target);
    entries++;
    bytes += stat.isFile() ? stat.size : 0;
  }
  throw new Error(`this machine has only ${entries} files below /usr`);
}

/** The same as one plain archive. */
export async function writeRootfsArchive(folder: string): Promise<string> {
  const rootfs = join(folder, 'rootfs');
  const archive = join(folder, 'rootfs.tar');
  writeRootfs(rootfs);
  await run(['tar', '-C', rootfs, '--numeric-owner', '--sort=name', '-cf', archive, '.'], { check: true });
  return archive;
}
