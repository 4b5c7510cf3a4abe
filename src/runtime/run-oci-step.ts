import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { mappedIds } from '../util/user-namespace.ts';
import { hostDevices } from './host-devices.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import type { OciMount, OciNamespace } from './oci/oci-types.ts';
import { ociSpec } from './oci-spec.ts';
import { ociLimits, ociResources, refuseCgroupLimits, type StepLimits, specText } from './resource-limits.ts';
import { childExit } from './run-program.ts';
import type { RunMount, RunStepResult } from './run-step-types.ts';
import { type OciRuntime, runtimeArguments, runtimeDelete, runtimeError } from './runc.ts';
import { makeStepBundle, type PathMount, stepProcess, writeStepFiles } from './step-bundles.ts';
import type { ProcessUser } from './users.ts';

/** A step with all that `runStep` fills in. */
export interface PreparedStep {
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: ProcessUser;
  /** In the order in which they are mounted. */
  readonly mounts: readonly RunMount[];
  readonly privileged: boolean;
  readonly network: 'host' | 'none';
  readonly hostname: string;
  readonly resolvConf: string;
  readonly hosts: string;
  readonly limits: StepLimits;
  readonly terminal: boolean;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  readonly signal: AbortSignal | undefined;
  readonly run: string;
}

function ociMountOf(mount: PathMount): OciMount {
  const access = mount.readOnly === true ? 'ro' : 'rw';
  if (mount.type === 'tmpfs') {
    const size = mount.size === undefined ? [] : [`size=${mount.size}`];
    const options = ['nosuid', 'nodev', 'mode=1777', access, ...size];
    return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options };
  }
  const options = ['rbind', 'rprivate', access, ...(mount.executable === true ? ['exec'] : [])];
  return { destination: mount.target, type: 'bind', source: mount.source, options };
}

function specOf(step: PreparedStep, folder: string, id: string): string {
  const namespaces: OciNamespace[] = [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }];
  if (step.network === 'none') namespaces.push({ type: 'network' });
  const { privileged } = step;
  const { limits } = step;
  const ids = mappedIds();
  if (ids !== undefined) refuseCgroupLimits(limits, 'of a plain user');
  return specText(
    ociSpec({
      rootfs: step.rootfs,
      args: step.args,
      env: step.env,
      cwd: step.cwd,
      user: step.user,
      capabilities: containerCapabilities(hostCapabilities(), { privileged }),
      namespaces,
      hostname: step.hostname,
      terminal: step.terminal,
      mounts: writeStepFiles(folder, step).map(ociMountOf),
      cgroupsPath: `/${(limits.cgroupParent ?? 'hawser').replace(/^\/+|\/+$/g, '')}/${id}`,
      ids,
      resources: ociResources(limits),
      rlimits: ociLimits(limits.ulimits ?? []),
      ...(limits.shmSize === undefined ? {} : { shmSize: limits.shmSize }),
      privileged,
      ...(privileged ? { devices: hostDevices() } : {}),
    }),
  );
}

/** Ends a step at once: its first process takes the PID namespace along, upon which the runtime cleans up and ends. */
function killer(folder: string, kill: () => void): () => void {
  return () => {
    const pid = stepProcess(folder);
    if (pid === undefined) {
      kill(); // it has not begun; `runtimeDelete` sees to the rest
      return;
    }
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (systemErrorCode(error) !== 'ESRCH') throw error;
    }
  };
}

/**
 * Runs the step under `runc run` with pipes, no conmon. Measured beside a bare `runc run`: test/runtime/run-step.test.ts
 *
 * @throws HawserError ABORTED, RUNTIME_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export async function runOciStep(step: PreparedStep, runtime: OciRuntime): Promise<RunStepResult> {
  const { id, folder } = makeStepBundle(step.run);
  try {
    writeFileSync(join(folder, 'config.json'), specOf(step, folder, id));
    // runc's own messages go to a file: on stderr they would be the step's.
    const log = ['--log', join(folder, 'log'), '--log-format', 'json'];
    const args = [...log, 'run', '--bundle', folder, '--pid-file', join(folder, 'pid'), id];
    const child = spawn(runtime.path, runtimeArguments(runtime, ...args), {
      stdio: step.terminal ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const errors: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => step.onOutput('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      errors.push(chunk);
      if (errors.length > 8) errors.shift();
      step.onOutput('stderr', chunk);
    });
    const abort = killer(folder, () => child.kill('SIGKILL'));
    step.signal?.addEventListener('abort', abort, { once: true });
    let exitCode: number;
    try {
      exitCode = await childExit(child);
    } finally {
      step.signal?.removeEventListener('abort', abort);
    }
    if (step.signal?.aborted === true) {
      await runtimeDelete(runtime, id);
      throwIfAborted(step.signal);
    }
    if (stepProcess(folder) === undefined)
      throw runtimeError('run the step', Buffer.concat(errors).toString());
    return { exitCode };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
