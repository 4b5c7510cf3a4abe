import { readFileSync } from 'node:fs';

/** A process that cannot be taken for a later one with the same number: pid, and its start in ticks since the boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** The start time of `pid` from proc(5) stat, field 22; undefined where there is no such process. */
function startTimeOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // no such process
  }
  // The second field is the command in brackets and may hold blanks and brackets itself; state is the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}

let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, start: startTimeOf(process.pid) ?? '0' };
  return own;
}

/** The identity of a process that runs; undefined where there is none. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const start = startTimeOf(pid);
  return start === undefined ? undefined : { pid, start };
}

/** Whether that very process still runs (a zombie does not). */
export function isRunning(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.start;
}
