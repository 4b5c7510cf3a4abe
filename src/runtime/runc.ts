import { HawserError } from '../errors/hawser-error.ts';
import { type ProgramOutput, runProgram } from './run-program.ts';

/** An OCI runtime's command line, one method a verb (runc and crun share it): options only build argv. */
export interface OciRuntime {
  /** Absolute path of runc or crun. */
  readonly path: string;
  /** Its `--root`: where it keeps the state of its containers. */
  readonly root: string;
}

/** argv for what runs beyond this process, after the path. */
export function runtimeArguments(runtime: OciRuntime, ...args: readonly string[]): readonly string[] {
  return ['--root', runtime.root, ...args];
}

/**
 * The error that the last line of runc's or crun's stderr tells of.
 *
 * runc: `… level=error msg="…"` or `runc … failed: …`; with `--log-format json`, `{"level":"error","msg":…}`.
 */
export function runtimeError(action: string, output: string): HawserError {
  const lines = output.trim().split('\n');
  const last = lines.at(-1) ?? '';
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replace(/\\(.)/g, '$1');
  const message =
    quoted ?? (/^\{.*"msg":\s*"/.test(last) ? messageOfJson(last) : last.replace(/^time="[^"]*" /, ''));
  const detail = { output: output.trim() };
  const executable =
    /exec: "([^"]*)"|executable file `?([^`]*?)`? not found|exec container process [^`]*`([^`]*)`/.exec(
      message,
    );
  const name = JSON.stringify(executable?.slice(1).find(found => found !== undefined) ?? '');
  if (/executable file .*not found|no such file or directory/i.test(message) && executable !== null) {
    return new HawserError('COMMAND_NOT_FOUND', `${action}: there is no command ${name} in the container`, {
      detail,
    });
  }
  if (
    /permission denied|open executable: operation not permitted|exec format error|is a directory/i.test(
      message,
    ) &&
    /exec/.test(message)
  ) {
    return new HawserError(
      'COMMAND_NOT_EXECUTABLE',
      `${action}: ${executable === null ? message : `${name} cannot be executed`}`,
      {
        detail,
      },
    );
  }
  return new HawserError(
    'RUNTIME_FAILED',
    `${action}: ${message === '' ? 'the OCI runtime said nothing' : message}`,
    {
      detail,
    },
  );
}

function messageOfJson(line: string): string {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null && 'msg' in value ? String(value.msg) : line;
}

function run(runtime: OciRuntime, args: readonly string[]): Promise<ProgramOutput> {
  return runProgram(runtime.path, runtimeArguments(runtime, ...args));
}

/** @throws HawserError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED */
export async function runtimeStart(runtime: OciRuntime, id: string): Promise<void> {
  const { exitCode, stdout, stderr } = await run(runtime, ['start', id]);
  if (exitCode !== 0) throw runtimeError(`start container ${id.slice(0, 12)}`, stderr + stdout);
}

/** False where the container runs no more. @throws HawserError RUNTIME_FAILED */
export async function runtimeKill(runtime: OciRuntime, id: string, signal: number): Promise<boolean> {
  const { exitCode, stderr } = await run(runtime, ['kill', id, String(signal)]);
  if (exitCode === 0) return true;
  if (/not running|does not exist|no such process|process already finished|container not found/i.test(stderr))
    return false;
  throw runtimeError(`kill container ${id.slice(0, 12)}`, stderr);
}

/** Removes the runtime's state and cgroup, killing what is left. Harmless where there is nothing. */
export async function runtimeDelete(runtime: OciRuntime, id: string): Promise<void> {
  const { exitCode, stderr } = await run(runtime, ['delete', '--force', id]);
  // crun: cannot open directory `…`: No such file or directory
  if (exitCode !== 0 && !/does not exist|cannot open directory .*No such file/.test(stderr)) {
    throw runtimeError(`delete container ${id.slice(0, 12)}`, stderr);
  }
}
