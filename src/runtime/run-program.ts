import { type ChildProcess, spawn } from 'node:child_process';
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
const signalNumbers: Readonly<Record<string, number>> = {
  ...{
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGTRAP: 5,
    SIGABRT: 6,
    SIGBUS: 7,
    SIGFPE: 8,
    SIGKILL: 9,
  },
  ...{
    SIGUSR1: 10,
    SIGSEGV: 11,
    SIGUSR2: 12,
    SIGPIPE: 13,
    SIGALRM: 14,
    SIGTERM: 15,
    SIGCHLD: 17,
    SIGCONT: 18,
  },
  ...{
    SIGSTOP: 19,
    SIGTSTP: 20,
    SIGTTIN: 21,
    SIGTTOU: 22,
    SIGURG: 23,
    SIGXCPU: 24,
    SIGXFSZ: 25,
    SIGVTALRM: 26,
  },
  ...{ SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31 },
};

/** @returns 1 … 64 for `SIGTERM`, `term`, `15` or `RTMIN+3`. @throws HawserError INVALID_ARGUMENT */
export function parseSignal(text: string): number {
  const upper = text.toUpperCase();
  const realTime = /^(?:SIG)?RT(MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(upper);
  const number =
    realTime !== null
      ? realTime[1]?.startsWith('MIN') === true
        ? 34 + Number(realTime[2] ?? 0)
        : 64 - Number(realTime[3] ?? 0)
      : /^\d+$/.test(upper)
        ? Number(upper)
        : signalNumbers[upper.startsWith('SIG') ? upper : `SIG${upper}`];
  if (number !== undefined && number >= 1 && number <= 64) return number;
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not a signal`, {
    remedy: 'Use a name such as SIGTERM, or a number from 1 to 64.',
  });
}

/** The exit code as a shell counts it. */
export function exitCodeOfChild(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signalNumbers[signal ?? 'SIGKILL'] ?? 9);
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
