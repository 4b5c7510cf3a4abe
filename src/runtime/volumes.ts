import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { copyMetadata, copyTree } from '../layers/copy-tree.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { readJsonFile } from './container-store.ts';
import { resolveInRootfs } from './rootfs-path.ts';

/** $HAWSER_ROOT/volumes/<name>/volume.json, and `data/` beside it. */
export interface Volume {
  readonly name: string;
  /** RFC 3339 */
  readonly created: string;
  /** Made for one container, and gone with it. */
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

type Root = { readonly root: string };

function volumeFolder({ root }: Root, name: string): string {
  return join(root, 'volumes', name);
}

export function volumeData(engine: Root, name: string): string {
  return join(volumeFolder(engine, name), 'data');
}

export function newVolumeName(): string {
  return randomBytes(32).toString('hex');
}

/** @throws HawserError INVALID_ARGUMENT */
export function checkVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) return name;
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not a volume name`, {
    remedy: 'Use letters, digits, _ . and -; a folder of the host begins with a slash.',
    exitCode: 125,
  });
}

export function findVolume(engine: Root, name: string): Volume | undefined {
  return readJsonFile<Volume>(join(volumeFolder(engine, checkVolumeName(name)), 'volume.json'));
}

/** The volume of that name, made where there is none. */
export async function ensureVolume(
  engine: Root,
  name: string,
  options: { readonly anonymous?: boolean; readonly labels?: Readonly<Record<string, string>> } = {},
): Promise<Volume> {
  const known = findVolume(engine, name);
  if (known !== undefined) return known;
  const volume: Volume = {
    name,
    created: new Date().toISOString(),
    anonymous: options.anonymous === true,
    labels: options.labels ?? {},
  };
  mkdirSync(volumeData(engine, name), { recursive: true, mode: 0o755 });
  await writeFileAtomic(join(volumeFolder(engine, name), 'volume.json'), JSON.stringify(volume), {
    durable: false,
  });
  return volume;
}

export function listVolumes(engine: Root): readonly Volume[] {
  const folder = join(engine.root, 'volumes');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap(name => findVolume(engine, name) ?? []);
}

/** False where there is none. */
export function removeVolume(engine: Root, name: string): boolean {
  const folder = volumeFolder(engine, checkVolumeName(name));
  if (!existsSync(folder)) return false;
  rmSync(folder, { recursive: true });
  return true;
}

/**
 * Fills an empty volume with what the image has at its place, as Docker does at the first use. Links on the way are
 * resolved inside the rootfs (CVE-2022-23648).
 */
export function populateVolume(engine: Root, name: string, source: { rootfs: string; target: string }): void {
  const data = volumeData(engine, name);
  if (readdirSync(data).length > 0) return;
  const from = resolveInRootfs(source.rootfs, source.target);
  try {
    readdirSync(from);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    throw error;
  }
  copyTree(fsOps, Buffer.from(from), Buffer.from(data));
  copyMetadata(fsOps, Buffer.from(from), Buffer.from(data));
}
