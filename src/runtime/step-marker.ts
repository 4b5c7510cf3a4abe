import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { digestHex, digestOf } from '../image/digest.ts';
import { processIdentity } from '../util/process-identity.ts';

/*
 * Where the kernel grants no PID namespace, a limit marks the processes of a step: that of realtime CPU time, which none
 * of them reaches. All that a process starts inherits it, whatever session, group or user it changes to; none may raise
 * it without CAP_SYS_RESOURCE, and everybody may read it. docs/decisions/0026-isolation-without-privileges.md
 */

/** Beyond a year of realtime CPU, in microseconds, and within what a double holds. */
const FIRST_MARK = 2 ** 46;

/** The mark of a step, by the name of its bundle's folder. */
export function stepMark(name: string): number {
  return FIRST_MARK + Number.parseInt(digestHex(digestOf(name)).slice(0, 11), 16);
}

function markOf(pid: number): number | undefined {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
    return Number(/^Max realtime timeout +(\d+)/m.exec(limits)?.[1]);
  } catch {
    return undefined; // it has ended
  }
}

function marked(marks: ReadonlySet<number>): readonly number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids
    .map(Number)
    .filter(pid => marks.has(markOf(pid) ?? Number.NaN) && processIdentity(pid) !== undefined);
}

/** Kills the processes of steps until none is left: one may start another between the look and the kill. */
export async function killMarked(marks: ReadonlySet<number>): Promise<void> {
  for (let pids = marked(marks); pids.length > 0; pids = marked(marks)) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (systemErrorCode(error) !== 'ESRCH') throw error;
      }
    }
    await delay(2);
  }
}
