import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { throwIfAborted } from '../util/abort.ts';
import { keepDescriptorsFromChildren } from './close-on-exec.ts';
import type { PreparedStep } from './run-oci-step.ts';
import { childExit } from './run-program.ts';
import type { RunStepResult } from './run-step-types.ts';

/**
 * Runs the words that become a step without a runtime, to their end.
 *
 * @param step.afterExit Ends what the first process leaves, which holds its output open.
 * @throws HawserError ABORTED
 */
export async function runStepProcess(
  [program = '', ...args]: readonly string[],
  step: Pick<PreparedStep, 'onOutput' | 'signal' | 'terminal'> & { readonly afterExit?: () => Promise<void> },
): Promise<RunStepResult> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  keepDescriptorsFromChildren();
  const child = spawn(program, args, {
    stdio: step.terminal ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: { PATH: path },
    cwd: '/',
    // A process group of its own, which an abort ends as a whole; a terminal is for the group that has it.
    detached: !step.terminal,
  });
  child.stdout?.on('data', (chunk: Buffer) => step.onOutput('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => step.onOutput('stderr', chunk));
  const abort = () => {
    if (child.pid === undefined || child.exitCode !== null) return;
    process.kill(step.terminal ? child.pid : -child.pid, 'SIGKILL');
  };
  step.signal?.addEventListener('abort', abort, { once: true });
  try {
    const exit = childExit(child);
    const left = once(child, 'exit').then(step.afterExit);
    const [exitCode] = await Promise.all([exit, left]);
    throwIfAborted(step.signal);
    return { exitCode };
  } finally {
    step.signal?.removeEventListener('abort', abort);
  }
}
