import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { bootID, containerFolder, readJsonFile, readRecord, readStart } from './container-store.ts';
import type { ContainerRecord, RestartPolicy } from './container-types.ts';

/*
 * A container that is to run again after it ended is started by whoever cleans up behind it: the exit command of its
 * conmon, so that no daemon is needed; after a reboot by `hawser system boot`. Beside the record lie
 *
 *   stopped         somebody stopped it, which holds until somebody starts it
 *   restarts.json   how often it was started again since then, and what the last pause was
 */

type Roots = Pick<ContainerEngine, 'root' | 'run'>;

/** Milliseconds, as Docker: from the first pause each is twice the one before, until it has run for some time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 60_000;
const SOUND_RUN = 10_000;

export interface Restarts {
  readonly count: number;
  /** Milliseconds. */
  readonly pause: number;
}

/** `--restart`, in Docker's words; undefined for `no`. @throws HawserError INVALID_ARGUMENT */
export function parseRestartPolicy(text: string): RestartPolicy | undefined {
  if (text === '' || text === 'no') return undefined;
  if (text === 'always' || text === 'unless-stopped') return { name: text };
  const times = /^on-failure(?::(\d{1,9}))?$/.exec(text);
  if (times !== null) {
    return {
      name: 'on-failure',
      ...(times[1] === undefined || Number(times[1]) === 0 ? {} : { maximum: Number(times[1]) }),
    };
  }
  throw new HawserError('INVALID_ARGUMENT', `--restart ${JSON.stringify(text)}`, {
    remedy: 'Use no, always, unless-stopped, on-failure or on-failure:TIMES.',
    exitCode: 125,
  });
}

export function restartsOf(engine: Roots, id: string): Restarts | undefined {
  return readJsonFile<Restarts>(join(containerFolder(engine, id), 'restarts.json'));
}

export async function writeRestarts(engine: Roots, id: string, restarts: Restarts): Promise<void> {
  const path = join(containerFolder(engine, id), 'restarts.json');
  await writeFileAtomic(path, JSON.stringify(restarts), { durable: false });
}

/** What there will be after the next start; its pause comes first. */
export function nextRestarts(engine: Roots, id: string): Restarts {
  const { count = 0, pause = 0 } = restartsOf(engine, id) ?? {};
  const { startedAt = '', finishedAt = '', error } = stateOf(engine, id);
  const isSound = error === undefined && Date.parse(finishedAt) - Date.parse(startedAt) >= SOUND_RUN;
  const next = isSound || pause === 0 ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
  return { count: count + 1, pause: next };
}

/** Says that a container ends because somebody wants so. */
export function markStopped(engine: Roots, id: string): void {
  if (readRecord(engine, id)?.request.restart !== undefined)
    writeFileSync(join(containerFolder(engine, id), 'stopped'), '');
}

export function wasStopped(engine: Roots, id: string): boolean {
  return existsSync(join(containerFolder(engine, id), 'stopped'));
}

/** Whether a container has ended in this boot and its policy wants it to run. */
export function wantsRestart(engine: Roots, { id, request }: ContainerRecord): boolean {
  const { restart } = request;
  if (restart === undefined || wasStopped(engine, id)) return false;
  const state = stateOf(engine, id);
  if (state.status !== 'exited') return false;
  const start = readStart(engine, id);
  const restarts = restartsOf(engine, id);
  // What never ran is told to who started it, and not tried again.
  if (start === undefined ? restarts === undefined : start.bootID !== bootID()) return false;
  if (restart.name !== 'on-failure') return true;
  return state.exitCode !== 0 && (restarts?.count ?? 0) < (restart.maximum ?? Number.POSITIVE_INFINITY);
}

/** Whether a container is to run when the machine has started, as Docker's daemon has it. */
export function wantsBoot(engine: Roots, { id, request }: ContainerRecord): boolean {
  const { restart } = request;
  if (restart === undefined || stateOf(engine, id).status !== 'exited') return false;
  return restart.name === 'always' || !wasStopped(engine, id);
}
