import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

export interface ProgramOutput {
  /** 128 + n where signal n ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunProgramOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the program reads from stdin; nothing where it is left out. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

const MAX_OUTPUT = 4 * 1024 * 1024;
/** The exit code as a shell counts it. */
export function exitCodeOfChild(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 9 : constants.signals[signal]);
}

/** The end of a child: its exit code, when all its output has been read. @throws what spawn failed with */
export function childExit(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(exitCodeOfChild(code, signal)));
  });
}

/** Runs a helper program to its end. @throws HawserError REQUIREMENT_MISSING where it is not there */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunProgramOptions = {},
): Promise<ProgramOutput> {
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: options.env as NodeJS.ProcessEnv | undefined,
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' }),
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map(stream => {
    const output = { text: '' };
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.text.length < MAX_OUTPUT) output.text += chunk;
    });
    return output;
  }) as [{ text: string }, { text: string }];
  // A program that does not read its input ends the pipe; its exit code says what went wrong.
  child.stdin.on('error', error => child.stdin.destroy(error.message.includes('EPIPE') ? undefined : error));
  child.stdin.end(options.input ?? '');
  try {
    return { exitCode: await childExit(child), stdout: stdout.text, stderr: stderr.text };
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new HawserError('REQUIREMENT_MISSING', `the program ${program} is not installed`, { cause: error });
  }
}
