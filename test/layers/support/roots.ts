import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsOps } from '../../../src/layers/fs-ops.ts';

export interface TestRoots {
  readonly folder: string;
  /** As `openSnapshotter` wants them. */
  readonly root: string;
  readonly run: string;
  remove(): void;
}

/** What is mounted inside `folder`, the latest first. */
export function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ', 5)[4] ?? '')
    .filter(target => target.startsWith(`${folder}/`))
    .toReversed();
}

/** Folders of their own for one test; `remove` unmounts what is left. */
export function makeTestRoots(): TestRoots {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-layers-'));
  const run = join(folder, 'run');
  mkdirSync(run);
  return {
    folder,
    root: join(folder, 'snapshots'),
    run,
    remove() {
      for (const target of mountsBelow(folder)) fsOps.unmount(target);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
