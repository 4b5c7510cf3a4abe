import { HawserError } from '../../../src/errors/hawser-error.ts';
import type { Clock } from '../../../src/orchestrator/node-agent/clock.ts';
import { containerNameLabel } from '../../../src/orchestrator/node-agent/pod-labels.ts';
import type {
  ImageInfo,
  PodContainerRequest,
  PodRuntime,
  RuntimeContainer,
  SandboxRequest,
} from '../../../src/orchestrator/node-agent/pod-runtime.ts';
import { unlessAborted } from '../../../src/util/abort.ts';

/** Containers as values: tests end them, and see what was asked for in `calls`. */
export class FakeRuntime implements PodRuntime {
  readonly calls: string[] = [];
  readonly containers = new Map<string, RuntimeContainer>();
  readonly requests = new Map<string, PodContainerRequest>();
  readonly local = new Set<string>();
  readonly remote = new Set<string>(['app:1', 'other:1', 'init:1']);
  sandboxes: SandboxRequest[] = [];
  /** Thrown by the next sandbox. */
  sandboxFailure: HawserError | undefined;
  inspectFailure: HawserError | undefined;
  createFailure: HawserError | undefined;
  removeFailure: Error | undefined;
  startFailure: HawserError | undefined;
  /** Of every container; its id where left out. */
  logText: string | undefined;
  /** Pulls that end only when they are given up. */
  endlessPull = false;
  /** Containers that heed no stop signal. */
  stubborn = false;
  readonly #clock: Clock;
  readonly #exits = new Map<string, (() => void)[]>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #set(id: string, change: Partial<RuntimeContainer>): void {
    const old = this.containers.get(id);
    if (old !== undefined) this.containers.set(id, { ...old, ...change });
  }

  /** The latest container of a name. */
  find(name: string): RuntimeContainer {
    const found = [...this.containers.values()].findLast(({ labels }) => labels[containerNameLabel] === name);
    if (found === undefined) throw new Error(`no container ${name}: ${this.calls.join(', ')}`);
    return found;
  }

  /** Ends the latest container of a name by itself. */
  exit(name: string, exitCode: number, more: Partial<RuntimeContainer> = {}): void {
    this.exitID(this.find(name).id, exitCode, more);
  }

  exitID(id: string, exitCode: number, more: Partial<RuntimeContainer> = {}): void {
    this.#set(id, { state: 'exited', exitCode, finishedAt: this.#time(), ...more });
    for (const wake of this.#exits.get(id) ?? []) wake();
    this.#exits.delete(id);
  }

  imageStatus(reference: string): Promise<ImageInfo | undefined> {
    if (this.inspectFailure !== undefined) return Promise.reject(this.inspectFailure);
    return Promise.resolve(this.local.has(reference) ? { reference, id: `sha256:${reference}` } : undefined);
  }

  async pullImage(reference: string, signal: AbortSignal): Promise<ImageInfo> {
    this.calls.push(`pull ${reference}`);
    if (this.endlessPull) await unlessAborted(new Promise(() => {}), signal);
    if (!this.remote.has(reference)) {
      throw new HawserError('MANIFEST_UNKNOWN', `${reference}: not found`);
    }
    this.local.add(reference);
    return { reference, id: `sha256:${reference}` };
  }

  runSandbox(request: SandboxRequest): Promise<string> {
    this.calls.push(`sandbox ${request.podName}`);
    if (this.sandboxFailure !== undefined) return Promise.reject(this.sandboxFailure);
    this.sandboxes.push(request);
    const id = `sandbox-${++this.#count}`;
    this.containers.set(id, {
      id,
      kind: 'sandbox',
      state: 'running',
      labels: request.labels,
      image: 'pause',
      imageID: '',
      createdAt: this.#time(),
      startedAt: this.#time(),
      ...(request.hostNetwork ? {} : { address: '10.89.0.7' }),
    });
    return Promise.resolve(id);
  }

  createContainer(request: PodContainerRequest): Promise<string> {
    const name = request.labels[containerNameLabel] ?? '';
    if (this.createFailure !== undefined) return Promise.reject(this.createFailure);
    const id = `${name}-${++this.#count}`;
    this.requests.set(id, request);
    this.containers.set(id, {
      id,
      kind: 'container',
      state: 'created',
      labels: request.labels,
      image: request.image,
      imageID: `sha256:${request.image}`,
      createdAt: this.#time(),
    });
    return Promise.resolve(id);
  }

  startContainer(id: string): Promise<void> {
    this.calls.push(`start ${this.containers.get(id)?.labels[containerNameLabel]}`);
    if (this.startFailure !== undefined) {
      this.exitID(id, 127, { error: this.startFailure.message });
      return Promise.reject(this.startFailure);
    }
    this.#set(id, { state: 'running', startedAt: this.#time() });
    return Promise.resolve();
  }

  async stopContainer(id: string, { grace }: { readonly grace: number }): Promise<void> {
    this.calls.push(`stop ${id} ${grace}`);
    const { state, kind } = this.containers.get(id) ?? {};
    if (state !== 'running') return;
    const stubborn = this.stubborn && kind === 'container';
    if (stubborn) {
      const over = new AbortController();
      const ended = this.containerExit(id, over.signal).then(() => over.abort());
      await this.#clock.sleep(grace * 1000, over.signal);
      over.abort();
      await ended;
    }
    if (this.containers.get(id)?.state === 'running') this.exitID(id, stubborn ? 137 : 143);
  }

  removeContainer(id: string): Promise<void> {
    if (this.removeFailure !== undefined) return Promise.reject(this.removeFailure);
    this.calls.push(`remove ${id}`);
    this.containers.delete(id);
    return Promise.resolve();
  }

  listContainers(): Promise<readonly RuntimeContainer[]> {
    return Promise.resolve([...this.containers.values()]);
  }

  containerExit(id: string, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#exits.set(id, [...(this.#exits.get(id) ?? []), resolve]);
    });
  }

  async *logs(id: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(this.logText ?? `${id}\n`);
  }
}
