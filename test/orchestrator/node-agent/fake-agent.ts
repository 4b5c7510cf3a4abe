import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPod } from '../../../src/api/defaults.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../../src/api/pod.ts';
import type { AgentContext } from '../../../src/orchestrator/node-agent/agent-context.ts';
import { type NodeAgent, startNodeAgent } from '../../../src/orchestrator/node-agent/node-agent.ts';
import { FakeApi } from './fake-api.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeRuntime } from './fake-runtime.ts';

type PodOver = Omit<Partial<PodSpec>, 'containers' | 'initContainers'> & {
  readonly name?: string;
  readonly containers?: readonly (Partial<Container> & { readonly name: string })[];
  readonly initContainers?: readonly (Partial<Container> & { readonly name: string })[];
};

/** A pod with its defaults, as the API server stores it; uid `uid-NAME`. */
export function podOf(over: PodOver = {}): Pod {
  const { name = 'web', containers = [{ name: 'app' }], initContainers, ...spec } = over;
  const withImage = (image: string) => (container: Partial<Container> & { readonly name: string }) => ({
    image,
    ...container,
  });
  return defaultPod({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: {
      nodeName: 'node-1',
      ...spec,
      containers: containers.map(withImage('app:1')),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withImage('init:1')) }),
    },
    status: { phase: 'Pending' },
  });
}

/** A node agent over fakes. */
export class FakeAgent {
  readonly clock = new FakeClock();
  readonly api = new FakeApi();
  readonly runtime = new FakeRuntime(this.clock);
  readonly root = mkdtempSync(join(tmpdir(), 'hawser-agent-'));
  /** What the agent had to say beside the API. */
  readonly log: string[] = [];
  readonly context: AgentContext = {
    api: this.api,
    runtime: this.runtime,
    node: { name: 'node-1', address: '192.0.2.1' },
    root: this.root,
    clock: this.clock,
    log: line => this.log.push(line),
  };
  #agent: NodeAgent | undefined;

  start(): void {
    this.#agent = startNodeAgent(this.context);
  }

  async stop(): Promise<void> {
    const closing = this.#agent?.close();
    this.#agent = undefined;
    await closing;
  }

  /** Another agent takes over: all that was in memory is lost. */
  async restart(): Promise<void> {
    await this.stop();
    this.start();
    await settle();
  }

  /** Puts a pod into the API and lets the agent do what needs no time. */
  async run(pod: Pod): Promise<void> {
    if (this.#agent === undefined) this.start();
    this.api.put(pod);
    await settle();
  }

  async exit(...exit: Parameters<FakeRuntime['exit']>): Promise<void> {
    this.runtime.exit(...exit);
    await settle();
  }

  /** What the API server does for `kubectl delete`. */
  async deletePod(grace: number, name = 'web'): Promise<void> {
    const pod = this.pod(name);
    const deletionTimestamp = new Date(this.clock.now() + grace * 1000).toISOString();
    const dying = { deletionTimestamp, deletionGracePeriodSeconds: grace };
    this.api.put({ ...pod, metadata: { ...pod.metadata, ...dying } });
    await settle();
  }

  pod(name = 'web'): Pod {
    return this.api.get(`uid-${name}`);
  }

  phase(): string | undefined {
    return this.pod().status?.phase;
  }

  /** Of a container or an init container. */
  status(name = 'app'): ContainerStatus {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod().status ?? {};
    const found = [...containerStatuses, ...initContainerStatuses].find(status => status.name === name);
    if (found === undefined) throw new Error(`no status of ${name}`);
    return found;
  }

  /** `running`, `waiting REASON` or `terminated REASON CODE`. */
  state(name = 'app', which: 'state' | 'lastState' = 'state'): string {
    const { running, waiting, terminated } = this.status(name)[which];
    if (running !== undefined) return 'running';
    if (waiting !== undefined) return `waiting ${waiting.reason}`;
    return terminated === undefined ? '' : `terminated ${terminated.reason} ${terminated.exitCode}`;
  }
}

/** An agent for each test of a file; what it logged unasked fails the test. */
export function useFakeAgent(): () => FakeAgent {
  let agent: FakeAgent;
  beforeEach(() => {
    agent = new FakeAgent();
  });
  afterEach(async () => {
    await agent.stop();
    rmSync(agent.root, { recursive: true, force: true });
    if (agent.log.length > 0) throw new Error(`the agent logged: ${agent.log.join('\n')}`);
  });
  return () => agent;
}
