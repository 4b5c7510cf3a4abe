import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Finding } from '../content/finding.ts';
import { systemErrorCode } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { chainIDOfFolder, SnapshotFolders } from './snapshot-folders.ts';
import type { SnapshotterKind } from './snapshotter.ts';

const kinds: readonly SnapshotterKind[] = ['overlay', 'copy'];

export interface CheckedSnapshots {
  readonly count: number;
  /** Keys of the active snapshots that outlive their process. */
  readonly kept: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/**
 * Looks through the snapshots of every kind: each has its files, its record and its parents. They are made from blobs, so
 * that a broken one is removed, and unpacked again when it is wanted.
 *
 * @param options.root `$HAWSER_ROOT/snapshots`
 */
export function checkSnapshots(options: { readonly root: string; readonly run: string }): CheckedSnapshots {
  const findings: Finding[] = [];
  const kept = new Set<string>();
  let count = 0;
  for (const kind of kinds) {
    const root = join(resolve(options.root), kind);
    if (!existsSync(root)) continue;
    const folders = new SnapshotFolders(root, resolve(options.run));
    count += folders.committed().length;
    for (const { key, owner } of folders.activeRecords()) if (owner !== undefined) kept.add(key);
    findings.push(...checkCommitted(folders), ...checkActive(folders));
  }
  return { count, kept, findings };
}

function checkCommitted(folders: SnapshotFolders): readonly Finding[] {
  const broken = new Set<Digest>();
  const findings: Finding[] = [];
  for (const name of readdirSync(join(folders.root, 'committed'))) {
    const chainID = chainIDOfFolder(name);
    const problem = chainID === undefined ? 'its name is no chainID' : problemOf(folders, chainID);
    if (problem === undefined) continue;
    if (chainID !== undefined) broken.add(chainID);
    findings.push(damaged(folders, name, problem));
  }
  // What stands on a broken one is of no use either.
  for (let found = true; found; ) {
    found = false;
    for (const { chainID, parent } of folders.committed()) {
      if (broken.has(chainID) || parent === undefined || !broken.has(parent)) continue;
      broken.add(chainID);
      findings.push(damaged(folders, chainID.replace(':', '-'), `its parent ${parent} is damaged`));
      found = true;
    }
  }
  return findings;
}

function problemOf(folders: SnapshotFolders, chainID: Digest): string | undefined {
  const folder = folders.committedPath(chainID);
  const info = folders.info(chainID);
  if (info === undefined) return existsSync(folder) ? 'it has no record' : undefined;
  if (info.chainID !== chainID) return `its record is of ${info.chainID}`;
  if (!existsSync(join(folder, 'fs'))) return existsSync(folder) ? 'it has no files' : undefined;
  if (info.parent === undefined || existsSync(folders.committedPath(info.parent))) return undefined;
  return existsSync(folder) ? `its parent ${info.parent} is missing` : undefined;
}

function damaged(folders: SnapshotFolders, name: string, problem: string): Finding {
  const repair = async () => {
    const lock = await folders.lock({ shared: false });
    try {
      const chainID = chainIDOfFolder(name);
      if (chainID !== undefined) await folders.discardCommitted(chainID);
      else await rm(join(folders.root, 'committed', name), { recursive: true, force: true });
    } finally {
      await lock.release();
    }
  };
  return { part: 'snapshot', subject: name.replace('-', ':'), problem, severity: 'damage', repair };
}

function checkActive(folders: SnapshotFolders): readonly Finding[] {
  const stale = folders.stale();
  // Opening the snapshotter sweeps these; the repair does so first of all.
  const left = [...stale.mountPoints, ...stale.folders].map(
    (subject): Finding => ({
      part: 'snapshot',
      subject,
      problem: 'its process is gone',
      severity: 'leftover',
      repair: () => removeLeft(subject),
    }),
  );
  const orphans = folders.activeRecords().flatMap(({ key, parent, owner }): Finding[] => {
    if (owner === undefined || parent === undefined || folders.info(parent) !== undefined) return [];
    const problem = `what it stands on, ${parent}, is missing`;
    return [{ part: 'snapshot', subject: key, problem, severity: 'damage', remedy: remedyOf(owner) }];
  });
  return [...left, ...orphans];
}

function remedyOf(owner: string): string {
  const [kind, id = ''] = owner.split(':', 2);
  return kind === 'container'
    ? `Pull its image again (hawser pull --unpack), or remove it: hawser container rm ${id.slice(0, 12)}.`
    : `Remove what owns it: ${owner}.`;
}

/** A mount point is swept by the snapshotter, who unmounts it; what is left of a folder is only files. */
async function removeLeft(path: string): Promise<void> {
  try {
    if (!path.includes('/active/')) return;
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
