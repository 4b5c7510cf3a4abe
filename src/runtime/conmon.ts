import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type ProcessIdentity, processIdentity } from '../util/process-identity.ts';
import { keepDescriptorsFromChildren } from './close-on-exec.ts';
import type { ContainerEngine } from './container-engine.ts';
import { bundleFolder, exitFolder, logPathOf } from './container-store.ts';
import type { ContainerRecord } from './container-types.ts';
import { requireProgram } from './find-program.ts';
import { runtimeError } from './runc.ts';

export interface ConmonOptions {
  /** Seconds that conmon waits before the exit command: a foreground hawser cleans up sooner than that. */
  readonly exitDelay?: number;
}

export interface CreatedProcess {
  readonly process: ProcessIdentity;
  readonly conmon: ProcessIdentity | undefined;
}

function argumentsOf(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: ConmonOptions,
): readonly string[] {
  const bundle = bundleFolder(engine, record.id);
  const [program = '', ...rest] = engine.cleanupCommand;
  const cleanup = [...rest, record.id].flatMap(argument => ['--exit-command-arg', argument]);
  return [
    '--api-version',
    '1',
    '--cid',
    record.id,
    '--cuuid',
    record.id,
    '--name',
    record.name,
    '--runtime',
    engine.runtime.path,
    '--runtime-arg',
    '--root',
    '--runtime-arg',
    engine.runtime.root,
    '--bundle',
    bundle,
    '--persist-dir',
    exitFolder(engine, record.id),
    '--full-attach',
    '--container-pidfile',
    join(bundle, 'pid'),
    '--conmon-pidfile',
    join(bundle, 'conmon.pid'),
    '--log-path',
    `k8s-file:${logPathOf(engine, record)}`,
    '--log-level',
    'error',
    '--no-sync-log',
    ...(program === '' ? [] : ['--exit-command', program, ...cleanup]),
    ...(program === '' || options.exitDelay === undefined ? [] : ['--exit-delay', String(options.exitDelay)]),
    ...(record.request.tty === true ? ['--terminal'] : []),
    ...(record.request.stdin === true ? ['--stdin'] : []),
  ];
}

function pidIn(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'latin1').trim());
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The first line, or what there is at the end: conmon keeps the pipe as long as the container lives. */
async function firstLine(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.includes('\n')) break; // which also closes our end
  }
  return text.trim();
}

/** The one line that conmon writes to its sync pipe: `{"data": PID}`, or a negative number with the runtime's message. */
function parseSync(line: string, action: string): number {
  let data: unknown;
  let message: unknown;
  try {
    ({ data, message } = JSON.parse(line) as { data?: unknown; message?: unknown });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new HawserError('RUNTIME_FAILED', `${action}: conmon ended without an answer`, { cause: error });
  }
  if (typeof data === 'number' && data > 0) return data;
  throw runtimeError(action, typeof message === 'string' ? message : '');
}

/**
 * Starts a conmon, which has the OCI runtime create the container and stays its parent, log writer and witness, whatever
 * becomes of this process. The container waits for `runtimeStart`.
 *
 * @throws HawserError REQUIREMENT_MISSING, RUNTIME_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export async function conmonCreate(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: ConmonOptions = {},
): Promise<CreatedProcess> {
  const conmon = requireProgram('conmon', { package: 'conmon' });
  const bundle = bundleFolder(engine, record.id);
  mkdirSync(exitFolder(engine, record.id), { recursive: true });
  // The exit command inherits this environment, and needs to find the same roots.
  const env = { ...process.env, HAWSER_ROOT: engine.root, HAWSER_RUN: engine.run, _OCI_SYNCPIPE: '3' };
  keepDescriptorsFromChildren();
  const child = spawn(conmon, argumentsOf(engine, record, options), {
    cwd: bundle,
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  const stderr = child.stderr as Readable;
  stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  const action = `create container ${record.name}`;
  const failed = new Promise<never>((_, reject) => {
    child.once('error', cause => {
      reject(new HawserError('RUNTIME_FAILED', `${action}: conmon did not start`, { cause }));
    });
  });
  const line = await Promise.race([firstLine(child.stdio[3] as Readable), failed]);
  stderr.destroy();
  child.unref();
  if (line === '') {
    const output = errors.join('').trim();
    throw new HawserError(
      'RUNTIME_FAILED',
      `${action}: ${output === '' ? 'conmon ended without an answer' : output}`,
    );
  }
  const pid = parseSync(line, action);
  const created = processIdentity(pid);
  if (created === undefined) throw new HawserError('RUNTIME_FAILED', `${action}: its process ${pid} is gone`);
  const conmonPid = pidIn(join(bundle, 'conmon.pid'));
  return { process: created, conmon: conmonPid === undefined ? undefined : processIdentity(conmonPid) };
}
