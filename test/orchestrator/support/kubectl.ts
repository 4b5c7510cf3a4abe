import { spawn } from 'node:child_process';
import { findProgram } from '../../../src/runtime/find-program.ts';
import { type RunResult, run } from '../../e2e/support/run.ts';

export interface KubectlOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real kubectl, speaking to one server, with a home of its own. */
export class Kubectl {
  readonly #program: string;
  readonly #server: string;
  readonly #home: string;

  constructor(program: string, server: string, home: string) {
    this.#program = program;
    this.#server = server;
    this.#home = home;
  }

  #command(args: readonly string[]): readonly [string, ...string[]] {
    return [this.#program, '--server', this.#server, ...args];
  }

  #env(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.#home, KUBECONFIG: `${this.#home}/none`, ...more };
  }

  /** Runs it to its end, whatever that is. */
  run(args: readonly string[], options: KubectlOptions = {}): Promise<RunResult> {
    const { input = '', env } = options;
    return run(this.#command(args), { env: this.#env(env), input, timeout: 30_000 });
  }

  /** What it prints; it must succeed. */
  async print(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** What it says of its failure. */
  async failure(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code === 0) throw new Error(`kubectl ${args.join(' ')} succeeded\n${stdout}`);
    return stderr.trim();
  }

  /** Starts it and reads what it prints; leaving the loop ends it. */
  async *follow(args: readonly string[]): AsyncGenerator<Uint8Array, void> {
    const [program, ...rest] = this.#command(args);
    const child = spawn(program, rest, { env: this.#env(), stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      yield* child.stdout as AsyncIterable<Uint8Array>;
    } finally {
      child.kill();
    }
  }
}

export function findKubectl(): string | undefined {
  return findProgram('kubectl');
}
