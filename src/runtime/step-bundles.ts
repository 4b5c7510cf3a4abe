import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { isRunning, ownIdentity } from '../util/process-identity.ts';
import { removeCgroup } from './remove-cgroup.ts';
import type { BindRunMount, FileRunMount, RunMount, TmpfsRunMount } from './run-step-types.ts';
import { type OciRuntime, runtimeDelete } from './runc.ts';
import { killMarked, stepMark } from './step-marker.ts';

/*
 * $HAWSER_RUN/steps/<pid>-<start>-<number>/: config.json, resolv.conf, hosts, pid, file-<n> (secrets and scripts). The
 * folder's name says whose it is, so that after a `kill -9` the next hawser ends the step that was left and removes its
 * folder.
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

/** A mount whose source, if any, has a path. */
export type PathMount =
  | TmpfsRunMount
  | (BindRunMount & { readonly isFolder: boolean; readonly executable?: boolean });

/** Writes the files that a step finds mounted, and gives its mounts with paths in place of contents. */
export function writeStepFiles(
  folder: string,
  step: { readonly resolvConf: string; readonly hosts: string; readonly mounts: readonly RunMount[] },
): readonly PathMount[] {
  const [resolvConf, hosts] = [join(folder, 'resolv.conf'), join(folder, 'hosts')];
  writeFileSync(resolvConf, step.resolvConf);
  writeFileSync(hosts, step.hosts);
  return [
    { type: 'bind', source: resolvConf, target: '/etc/resolv.conf', isFolder: false },
    { type: 'bind', source: hosts, target: '/etc/hosts', isFolder: false },
    ...step.mounts.map((mount, index) => pathMountOf(mount, join(folder, `file-${index}`))),
  ];
}

function pathMountOf(mount: RunMount, file: string): PathMount {
  if (mount.type === 'file') return writeFileMount(mount, file);
  return mount.type === 'bind' ? { ...mount, isFolder: statSync(mount.source).isDirectory() } : mount;
}

/** /run is often mounted noexec, which a script must not inherit. */
function writeFileMount(mount: FileRunMount, source: string): PathMount {
  const { target, mode, uid, gid } = mount;
  writeFileSync(source, mount.content, { mode: 0o600, flag: 'wx' });
  chownSync(source, uid, gid);
  chmodSync(source, mode);
  return { type: 'bind', source, target, readOnly: true, isFolder: false, executable: (mode & 0o111) !== 0 };
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
  await endLeftSteps(run);
  for (const name of deadSteps(run)) {
    const folder = join(run, 'steps', name);
    if (isOfRuntime(folder)) {
      if (runtime === undefined) continue;
      const id = `step-${name}`;
      killStep(folder, id);
      await runtimeDelete(runtime, id);
      removeCgroup(`hawser/${id}`);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends the processes of steps without a runtime whose hawser is gone, before anybody removes the files they work on. */
async function endLeftSteps(run: string): Promise<void> {
  const marks = deadSteps(run).flatMap(name => (isOfRuntime(join(run, 'steps', name)) ? [] : stepMark(name)));
  if (marks.length > 0) await killMarked(new Set(marks));
}

/** Another runtime than the one of today may have started it, which forgets it without ending it. */
function killStep(folder: string, id: string): void {
  const pid = stepProcess(folder);
  if (pid === undefined) return;
  try {
    // The number may be another process's by now: that of a step is in the cgroup of its name.
    if (readFileSync(`/proc/${pid}/cgroup`, 'latin1').includes(`/${id}\n`)) process.kill(pid, 'SIGKILL');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
  }
}

function isOfRuntime(folder: string): boolean {
  return existsSync(join(folder, 'config.json'));
}

function deadSteps(run: string): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(join(run, 'steps'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names.filter(name => {
    const [pid, start = ''] = name.split('-');
    return !isRunning({ pid: Number(pid), start });
  });
}
