import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { bundleFolder, readRecord, snapshotKeyOf } from './container-store.ts';
import type { ContainerRecord } from './container-types.ts';
import { mergeEnvironment } from './create-container.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import { processEnvironment, processSpec } from './oci-spec.ts';
import { childExit } from './run-program.ts';
import { runtimeArguments, runtimeError } from './runc.ts';
import { resolveUser } from './users.ts';

export interface ExecRequest {
  readonly args: readonly string[];
  /** Over the container's. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  /** Needs `inherit` and a terminal there. */
  readonly tty?: boolean;
  readonly privileged?: boolean;
  /** `inherit` uses hawser's own streams; `detached` none, and does not wait. */
  readonly io: 'inherit' | 'detached' | ExecStreams;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecStreams {
  readonly stdin?: Readable;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
}

async function processOf(
  engine: ContainerEngine,
  record: ContainerRecord,
  request: ExecRequest,
): Promise<string> {
  const snapshot = await engine.snapshotter.find(snapshotKeyOf(record.id));
  const rootfs = (await snapshot?.mount()) ?? '/nonexistent';
  const user = resolveUser(rootfs, request.user ?? record.user);
  const privileged = request.privileged === true || record.request.privileged === true;
  const home = { home: user.home, terminal: request.tty === true, hostname: record.hostname };
  return JSON.stringify(
    processSpec({
      args: request.args,
      env: processEnvironment(mergeEnvironment(record.env, request.env ?? []), home),
      cwd: request.workingDir ?? record.workingDir,
      user,
      capabilities: containerCapabilities(hostCapabilities(), { ...record.request.capabilities, privileged }),
      terminal: request.tty === true,
      noNewPrivileges: record.request.noNewPrivileges === true,
    }),
  );
}

function wire(child: ChildProcess, streams: ExecStreams): void {
  child.stdout?.on('data', (chunk: Buffer) => streams.onOutput('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => streams.onOutput('stderr', chunk));
  const { stdin } = child;
  if (stdin === null) return;
  // A command that does not read its input closes the pipe; its exit code counts.
  stdin.on('error', () => stdin.destroy());
  if (streams.stdin === undefined) stdin.end();
  else streams.stdin.pipe(stdin);
}

function killProcess(pidFile: string, child: ChildProcess): void {
  if (!existsSync(pidFile)) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(Number(readFileSync(pidFile, 'latin1')), 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Runs a command in a running container, by `exec` of the OCI runtime.
 *
 * @returns the command's exit code; 0 for a detached one that began
 * @throws HawserError CONFLICT where the container does not run, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE,
 * RUNTIME_FAILED, ABORTED (the command is killed)
 */
export async function execInContainer(
  engine: ContainerEngine,
  id: string,
  request: ExecRequest,
): Promise<{ readonly exitCode: number }> {
  const record = readRecord(engine, id);
  if (record === undefined || stateOf(engine, id).status !== 'running') {
    throw new HawserError('CONFLICT', `container ${record?.name ?? id} is not running`, {
      remedy: 'Start it first.',
    });
  }
  const folder = join(bundleFolder(engine, id), 'exec', randomBytes(8).toString('hex'));
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'process.json'), await processOf(engine, record, request));
    const [log, pidFile] = [join(folder, 'log'), join(folder, 'pid')];
    const detach = request.io === 'detached' ? ['--detach'] : [];
    const verb = ['exec', '--process', join(folder, 'process.json'), '--pid-file', pidFile, ...detach, id];
    const args = runtimeArguments(engine.runtime, '--log', log, '--log-format', 'json', ...verb);
    const stdio = request.io === 'inherit' ? 'inherit' : request.io === 'detached' ? 'ignore' : 'pipe';
    const child = spawn(engine.runtime.path, args, { stdio });
    if (typeof request.io === 'object') wire(child, request.io);
    const abort = () => killProcess(pidFile, child);
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      const exitCode = await childExit(child);
      throwIfAborted(request.signal);
      // The runtime's own failure is told apart by its log: without a process there was no command.
      if (exitCode !== 0 && !existsSync(pidFile)) {
        throw runtimeError(
          `exec in container ${record.name}`,
          existsSync(log) ? readFileSync(log, 'utf8') : '',
        );
      }
      return { exitCode };
    } finally {
      request.signal?.removeEventListener('abort', abort);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
