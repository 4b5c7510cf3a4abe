import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../content/finding.ts';
import { namesInSync } from '../util/names-in.ts';
import type { Roots } from '../util/roots.ts';
import { containerFolder, containerIDs, readRecord, snapshotKeyOf } from './container-store.ts';
import type { ContainerRecord } from './container-types.ts';
import { findVolume } from './volumes.ts';

/** Milliseconds after which a folder without a record is a create that died. */
const CREATE_TIME = 60_000;

export interface WritableLayers {
  /** Keys of those that are there. */
  readonly keys: ReadonlySet<string>;
  discard(key: string): Promise<void>;
}

/** Looks through containers, their names and volumes: each record is whole, has its writable layer and its volumes. */
export function checkContainers(
  roots: Roots,
  layers: WritableLayers,
): { readonly count: number; readonly findings: readonly Finding[] } {
  const ids = containerIDs(roots);
  const findings = ids.flatMap(id => {
    const record = readRecord(roots, id);
    return record === undefined
      ? withoutRecord(roots, id, layers)
      : checkRecord(roots, record, { id, layers });
  });
  findings.push(...orphanLayers(roots, layers), ...checkNames(roots), ...checkVolumes(roots));
  return { count: ids.length, findings };
}

function withoutRecord(roots: Roots, id: string, layers: WritableLayers): readonly Finding[] {
  const folder = containerFolder(roots, id);
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  const halfWritten = existsSync(join(folder, 'container.json'));
  // A create that is under way has its folder first.
  if (!halfWritten && Date.now() - stat.mtimeMs < CREATE_TIME) return [];
  const repair = async () => {
    await layers.discard(snapshotKeyOf(id));
    await rm(folder, { recursive: true, force: true });
  };
  return [
    {
      part: 'container',
      subject: id,
      problem: halfWritten ? 'its record cannot be read' : 'it was never finished',
      severity: halfWritten ? 'damage' : 'leftover',
      ...(halfWritten ? { remedy: 'Create it again.' } : {}),
      repair,
    },
  ];
}

function checkRecord(
  roots: Roots,
  record: ContainerRecord,
  { id, layers }: { readonly id: string; readonly layers: WritableLayers },
): readonly Finding[] {
  const short = id.slice(0, 12);
  const remedy = `Remove it: hawser container rm ${short}.`;
  const damaged = (problem: string): Finding => ({
    part: 'container',
    subject: `${short} (${record.name})`,
    problem,
    severity: 'damage',
    remedy,
  });
  if (record.id !== id) return [damaged(`its record is of ${record.id}`)];
  const findings: Finding[] = [];
  if (record.kind === 'container' && !layers.keys.has(snapshotKeyOf(id)))
    findings.push(damaged('its writable layer is missing'));
  for (const mount of record.mounts) {
    if (mount.type !== 'volume' || mount.name === undefined || findVolume(roots, mount.name) !== undefined)
      continue;
    findings.push(damaged(`its volume ${mount.name} is missing`));
  }
  return findings;
}

/** A container has its folder before its writable layer, and after it. */
function orphanLayers(roots: Roots, { keys, discard }: WritableLayers): readonly Finding[] {
  return [...keys].flatMap((key): Finding[] => {
    const id = /^container-([0-9a-f]{64})$/.exec(key)?.[1];
    if (id === undefined || existsSync(containerFolder(roots, id))) return [];
    const problem = 'the writable layer of a container that is gone';
    return [{ part: 'snapshot', subject: key, problem, severity: 'leftover', repair: () => discard(key) }];
  });
}

/** A name is written before the folder of its container, under one lock; without the folder it is free. */
function checkNames(roots: Roots): readonly Finding[] {
  const folder = join(roots.root, 'containers', 'names');
  return namesInSync(folder).flatMap((name): Finding[] => {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || Date.now() - stat.mtimeMs < CREATE_TIME) return [];
    if (existsSync(containerFolder(roots, readFileSync(path, 'latin1')))) return [];
    const problem = 'the name of a container that is gone';
    const repair = async () => rmSync(path, { force: true });
    return [{ part: 'container', subject: name, problem, severity: 'leftover', repair }];
  });
}

/** A volume is made before its record, which a crash may keep from it: its data stays, and it gets a new one when used. */
function checkVolumes({ root }: Roots): readonly Finding[] {
  const folder = join(root, 'volumes');
  return namesInSync(folder).flatMap((name): Finding[] => {
    const record = join(folder, name, 'volume.json');
    if (!existsSync(record) || findVolume({ root }, name) !== undefined) return [];
    const problem = 'its record cannot be read';
    const repair = () => rm(record, { force: true });
    return [{ part: 'volume', subject: name, problem, severity: 'damage', repair }];
  });
}
