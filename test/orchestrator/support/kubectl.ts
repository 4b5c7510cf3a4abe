import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../../src/api/pod.ts';
import { systemClock } from '../../../src/orchestrator/node-agent/clock.ts';
import { type RunningCluster, serveCluster } from '../../../src/orchestrator/serve-cluster.ts';
import { createMemoryStore } from '../../../src/orchestrator/store/memory-store.ts';
import { findProgram } from '../../../src/runtime/find-program.ts';
import { type RunResult, run } from '../../e2e/support/run.ts';
import { FakeRuntime } from '../node-agent/fake-runtime.ts';

/** A pod as YAML, with `app` of its own name as label. */
export const podYaml = (name: string, image = 'app:1', more = '') => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: ${image}
    ports: [{containerPort: 80}]
${more}`;

const program = findProgram('kubectl');

/** What a suite that needs kubectl is called. */
export function titleWithKubectl(title: string): string {
  return program === undefined ? `${title} (kubectl is not installed here)` : title;
}

export const hasKubectl = program !== undefined;

/** The words of a command line without quotation marks, and more arguments as they are. */
function argumentsOf(line: string, more: readonly string[]): readonly string[] {
  return [...line.split(' '), ...more];
}

interface Feed {
  /** stdin */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real kubectl with a home of its own, against a cluster in this process whose containers are fakes. */
export class KubectlBench {
  readonly folder: string;
  readonly cluster: RunningCluster;
  readonly runtime: FakeRuntime;
  readonly #log: readonly string[];

  constructor(folder: string, cluster: RunningCluster, runtime: FakeRuntime, log: readonly string[]) {
    this.folder = folder;
    this.cluster = cluster;
    this.runtime = runtime;
    this.#log = log;
  }

  #spawning(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const { PATH } = process.env;
    const env = { PATH, HOME: this.folder, KUBECONFIG: join(this.folder, 'none'), ...more };
    return { command: [program ?? '', '--server', this.cluster.url, ...args] as const, env };
  }

  /** Runs it to its end, whatever that is. */
  run(args: readonly string[], { input = '', env }: Feed = {}): Promise<RunResult> {
    const spawning = this.#spawning(args, env);
    return run(spawning.command, { env: spawning.env, input, timeout: 30_000 });
  }

  async #output(args: readonly string[], feed: Feed = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, feed);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  async #refusal(args: readonly string[], feed: Feed = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, feed);
    if (code === 0) throw new Error(`kubectl ${args.join(' ')} succeeded\n${stdout}`);
    return stderr.trim();
  }

  /** What a command prints; it must succeed. */
  print(line: string, ...more: readonly string[]): Promise<string> {
    return this.#output(argumentsOf(line, more));
  }

  /** What a command says of its failure. */
  failure(line: string, ...more: readonly string[]): Promise<string> {
    return this.#refusal(argumentsOf(line, more));
  }

  /** What a command prints that reads the file `-`. */
  feed(line: string, input: string): Promise<string> {
    return this.#output([...argumentsOf(line, []), '-f', '-'], { input });
  }

  feedFailure(line: string, input: string): Promise<string> {
    return this.#refusal([...argumentsOf(line, []), '-f', '-'], { input });
  }

  async ready(name: string): Promise<void> {
    await this.print(`wait --for=condition=Ready pod/${name} --timeout=20s`);
  }

  /** A pod of the least YAML, when it runs. */
  async running(name: string, image?: string): Promise<void> {
    await this.feed('apply', podYaml(name, image));
    await this.ready(name);
  }

  async get(name: string): Promise<Pod> {
    return JSON.parse(await this.print(`get pod ${name} -o json`)) as Pod;
  }

  /** What a command prints, as it does; leaving the loop ends it. */
  async *follow(line: string): AsyncGenerator<Uint8Array, void> {
    const { command, env } = this.#spawning(line.split(' '));
    const [file, ...args] = command;
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      yield* child.stdout as AsyncIterable<Uint8Array>;
    } finally {
      child.kill();
    }
  }

  /** @throws Error where the cluster had to say something beside its answers */
  async close(): Promise<void> {
    await this.print('delete pods --all --now');
    await this.cluster.close();
    await rm(this.folder, { recursive: true });
    if (this.#log.length > 0) throw new Error(this.#log.join('\n'));
  }
}

export async function openKubectl(): Promise<KubectlBench> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-kubectl-'));
  const runtime = new FakeRuntime(systemClock);
  const log: string[] = [];
  const cluster = await serveCluster({
    root: folder,
    store: createMemoryStore(),
    runtime,
    port: 0,
    nodeName: 'test-node',
    log: line => log.push(line),
  });
  return new KubectlBench(folder, cluster, runtime, log);
}

/** The cells of a table. */
export function cellsOf(table: string): readonly (readonly string[])[] {
  const lines = table.trim().split('\n');
  return lines.map(line => line.trim().split(/\s{2,}/));
}
