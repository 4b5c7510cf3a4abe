import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { isRunning, ownIdentity } from '../util/process-identity.ts';
import { type OciRuntime, runtimeDelete } from './runc.ts';

/*
 * $HAWSER_RUN/steps/<pid>-<start>-<number>/: config.json, resolv.conf, hosts, pid. The folder's name says whose it is, so
 * that after a `kill -9` the next hawser ends the step that was left and removes its folder.
 */

let counter = 0;
const swept = new Set<string>();

export function makeStepBundle(run: string): { readonly id: string; readonly folder: string } {
  const { pid, start } = ownIdentity();
  const name = `${pid}-${start}-${++counter}`;
  const folder = join(run, 'steps', name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { id: `step-${name}`, folder };
}

/** The first process of a step, once its runtime has written it. */
export function stepProcess(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Ends and removes steps whose hawser is gone; once in each process.
 *
 * @param runtime Undefined where steps run without one: those of a runtime are left to a hawser that has it.
 */
export async function sweepSteps(run: string, runtime: OciRuntime | undefined): Promise<void> {
  if (swept.has(run)) return;
  swept.add(run);
  let names: string[];
  try {
    names = readdirSync(join(run, 'steps'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  for (const name of names) {
    const [pid, start = ''] = name.split('-');
    if (isRunning({ pid: Number(pid), start })) continue;
    const folder = join(run, 'steps', name);
    if (existsSync(join(folder, 'config.json'))) {
      if (runtime === undefined) continue;
      await runtimeDelete(runtime, `step-${name}`);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
