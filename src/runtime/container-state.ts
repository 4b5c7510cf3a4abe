import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { isRunning } from '../util/process-identity.ts';
import type { ContainerEngine } from './container-engine.ts';
import {
  bootID,
  containerFolder,
  exitFolder,
  findRecord,
  type RecordedStart,
  readJsonFile,
  readRecords,
  readStart,
} from './container-store.ts';
import type { Container, ContainerRecord, ContainerState } from './container-types.ts';

type Roots = Pick<ContainerEngine, 'root' | 'run'>;

/** A start that did not come to a process. */
export interface StartFailure {
  readonly exitCode: number;
  readonly error: string;
  readonly finishedAt: string;
}

/** Exit code of a container whose end nobody saw: the machine or its conmon was killed. */
const UNSEEN = 255;

function exitOf(
  engine: Roots,
  id: string,
): { readonly exitCode: number; readonly finishedAt: string } | undefined {
  const path = join(exitFolder(engine, id), 'exit');
  try {
    const text = readFileSync(path, 'latin1').trim();
    return text === ''
      ? undefined
      : { exitCode: Number(text), finishedAt: statSync(path).mtime.toISOString() };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the first process of the start still runs, in this boot. */
export function startIsRunning(start: RecordedStart): boolean {
  return start.bootID === bootID() && isRunning(start.process);
}

/** Whether conmon still has to tell the exit code. */
function conmonRuns(start: RecordedStart): boolean {
  return start.conmon !== undefined && start.bootID === bootID() && isRunning(start.conmon);
}

/** The state of a container from processes and exit files. */
export function stateOf(engine: Roots, id: string): ContainerState {
  const failure = readJsonFile<StartFailure>(join(containerFolder(engine, id), 'failure.json'));
  if (failure !== undefined) return { status: 'exited', ...failure };
  const start = readStart(engine, id);
  if (start === undefined) return { status: 'created' };
  const { startedAt } = start;
  if (startIsRunning(start)) return { status: 'running', pid: start.process.pid, startedAt };
  // The process is gone and conmon is about to write the file: not yet over.
  const exit = exitOf(engine, id);
  if (exit === undefined && conmonRuns(start)) return { status: 'running', startedAt };
  const oom = existsSync(join(exitFolder(engine, id), 'oom'));
  return {
    status: 'exited',
    startedAt,
    ...(exit ?? exitOf(engine, id) ?? { exitCode: UNSEEN, finishedAt: startedAt }),
    ...(oom ? { oomKilled: true } : {}),
  };
}

export function containerOf(engine: Roots, record: ContainerRecord): Container {
  const start = readStart(engine, record.id);
  return { record, state: stateOf(engine, record.id), ...(start === undefined ? {} : { start }) };
}

/** By name, id or the first digits of an id. @throws HawserError CONTAINER_UNKNOWN, INVALID_ARGUMENT */
export function findContainer(engine: Roots, text: string): Container {
  return containerOf(engine, findRecord(engine, text));
}

/** Every container and sandbox, the latest first. */
export function listContainers(engine: Roots): readonly Container[] {
  return readRecords(engine)
    .map(record => containerOf(engine, record))
    .sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
}
