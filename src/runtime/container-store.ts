import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { withFileLock } from '../util/file-lock.ts';
import { nearest } from '../util/nearest.ts';
import type { ContainerEngine } from './container-engine.ts';
import { randomContainerName } from './container-names.ts';
import type { ContainerRecord, ContainerStart } from './container-types.ts';

/*
 *   $HAWSER_ROOT/containers/<id>/container.json   the record; a folder without one is a create that did not finish
 *                                start.json       the last start
 *                                conmon/exit      the exit code, by conmon; conmon/oom where memory ran out
 *                                failure.json     why the last start failed
 *                                ctr.log
 *   $HAWSER_ROOT/containers/names/<name>          the id
 *   $HAWSER_RUN/containers/<id>/                  the OCI bundle, conmon's sockets, resolver files, the network namespace
 *   $HAWSER_RUN/locks/container-<id>              one change at a time
 */

type Roots = Pick<ContainerEngine, 'root' | 'run'>;

export function containerFolder(engine: Roots, id: string): string {
  return join(engine.root, 'containers', id);
}

export function bundleFolder(engine: Roots, id: string): string {
  return join(engine.run, 'containers', id);
}

export function logPathOf(engine: Roots, record: ContainerRecord): string {
  return record.request.logPath ?? join(containerFolder(engine, record.id), 'ctr.log');
}

/** conmon's `--persist-dir`: it writes `exit` (the code, by rename) and `oom` there. */
export function exitFolder(engine: Roots, id: string): string {
  return join(containerFolder(engine, id), 'conmon');
}

/** The key of the writable layer in the snapshotter. */
export function snapshotKeyOf(id: string): string {
  return `container-${id}`;
}

/** The JSON of a small file of ours; undefined where it is not there, or was cut off by a crash. */
export function readJsonFile<Value>(path: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function readRecord(engine: Roots, id: string): ContainerRecord | undefined {
  return readJsonFile<ContainerRecord>(join(containerFolder(engine, id), 'container.json'));
}

export async function writeRecord(engine: Roots, record: ContainerRecord): Promise<void> {
  await writeFileAtomic(
    join(containerFolder(engine, record.id), 'container.json'),
    JSON.stringify(record, null, 2),
    {
      durable: false,
    },
  );
}

/** A start, and the boot in which it happened: process numbers of another boot say nothing. */
export interface RecordedStart extends ContainerStart {
  readonly bootID: string;
}

export function bootID(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

export function readStart(engine: Roots, id: string): RecordedStart | undefined {
  return readJsonFile<RecordedStart>(join(containerFolder(engine, id), 'start.json'));
}

export function containerIDs(engine: Roots): readonly string[] {
  try {
    return readdirSync(join(engine.root, 'containers')).filter(name => /^[0-9a-f]{64}$/.test(name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export function readRecords(engine: Roots): readonly ContainerRecord[] {
  return containerIDs(engine).flatMap(id => readRecord(engine, id) ?? []);
}

function namePath(engine: Roots, name: string): string {
  return join(engine.root, 'containers', 'names', name);
}

function ownerOfName(engine: Roots, name: string): string | undefined {
  try {
    return readFileSync(namePath(engine, name), 'latin1');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes a name for `id`. A name whose container never came to be is free. @throws HawserError ALREADY_EXISTS */
function claimName(engine: Roots, name: string, id: string): void {
  const owner = ownerOfName(engine, name);
  if (owner !== undefined && existsSync(containerFolder(engine, owner))) {
    throw new HawserError(
      'ALREADY_EXISTS',
      `the container name ${JSON.stringify(name)} is taken by ${owner.slice(0, 12)}`,
      {
        remedy: `Choose another name, or remove that one: hawser container rm ${name}.`,
        detail: { id: owner },
        exitCode: 125,
      },
    );
  }
  mkdirSync(join(engine.root, 'containers', 'names'), { recursive: true });
  writeFileSync(namePath(engine, name), id);
}

/** Makes the folder of a new container under a name, which is made up where none is given; returns the name. */
export function claimContainer(engine: Roots, id: string, name: string | undefined): Promise<string> {
  return withFileLock(join(engine.run, 'locks', 'container-names'), async () => {
    let chosen = name;
    for (let attempt = 0; chosen === undefined; attempt++) {
      const candidate = randomContainerName(attempt);
      if (ownerOfName(engine, candidate) === undefined) chosen = candidate;
    }
    claimName(engine, chosen, id);
    mkdirSync(containerFolder(engine, id), { recursive: true, mode: 0o710 });
    return chosen;
  });
}

export function releaseName(engine: Roots, name: string, id: string): void {
  if (ownerOfName(engine, name) === id) rmSync(namePath(engine, name), { force: true });
}

/**
 * The container that a name, an id or the first digits of an id stand for.
 *
 * @throws HawserError CONTAINER_UNKNOWN, INVALID_ARGUMENT for digits that several ids begin with
 */
export function findRecord(engine: Roots, text: string): ContainerRecord {
  const name = text.startsWith('/') ? text.slice(1) : text;
  const owner = /^[a-zA-Z0-9_.-]+$/.test(name) && !/^\.+$/.test(name) ? ownerOfName(engine, name) : undefined;
  const named = owner === undefined ? undefined : readRecord(engine, owner);
  if (named !== undefined) return named;
  const ids = /^[0-9a-f]{1,64}$/.test(text) ? containerIDs(engine).filter(id => id.startsWith(text)) : [];
  const found = ids.flatMap(id => readRecord(engine, id) ?? []);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) {
    throw new HawserError(
      'INVALID_ARGUMENT',
      `container id ${text} is ambiguous: ${found.length} ids begin so`,
      {
        remedy: `Give more digits: ${found.map(({ id }) => id.slice(0, 16)).join(', ')}.`,
      },
    );
  }
  const near = nearest(
    name,
    readRecords(engine).map(record => record.name),
  );
  throw new HawserError('CONTAINER_UNKNOWN', `there is no container ${JSON.stringify(text)}`, {
    ...(near === undefined ? {} : { remedy: `Did you mean ${near}? See hawser ps -a.` }),
    detail: { container: text },
  });
}

/** One change of a container at a time, among all processes. */
export function withContainerLock<Result>(
  engine: Roots,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  return withFileLock(join(engine.run, 'locks', `container-${id}`), work, { timeout: 60_000 });
}
