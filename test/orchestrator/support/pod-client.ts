import type { Event } from '../../../src/api/event.ts';
import type { Pod, PodSpec } from '../../../src/api/pod.ts';
import { ApiClient } from '../../../src/orchestrator/client/api-client.ts';
import { readLines } from './read-lines.ts';

const podsPath = '/api/v1/namespaces/default/pods';
const PATIENCE = 30_000;

/** Pods of the namespace `default` over the API. */
export class PodClient {
  readonly #client: ApiClient;

  constructor(url: string) {
    this.#client = new ApiClient(url);
  }

  async create(name: string, spec: PodSpec, metadata: Partial<Pod['metadata']> = {}): Promise<Pod> {
    const body: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name }, spec };
    return (await this.#client.call(podsPath, { method: 'POST', body })).value as Pod;
  }

  async get(name: string): Promise<Pod> {
    return (await this.#client.call(`${podsPath}/${name}`)).value as Pod;
  }

  /** Watches a pod until it is as wanted; `gone` for its end. */
  async until(name: string, wanted: ((pod: Pod) => boolean) | 'gone'): Promise<Pod> {
    const signal = AbortSignal.timeout(PATIENCE);
    const query = { watch: 'true', fieldSelector: `metadata.name=${name}` };
    let last: Pod | undefined;
    try {
      for await (const line of readLines(this.#client.stream(podsPath, { query, signal }))) {
        const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Pod };
        last = object;
        if (wanted === 'gone' ? type === 'DELETED' : wanted(object)) return object;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw new Error(`pod ${name} did not come to be as wanted: ${JSON.stringify(last?.status)}`);
  }

  running(name: string): Promise<Pod> {
    return this.until(
      name,
      ({ status }) =>
        status?.phase === 'Running' && status.containerStatuses?.every(({ ready }) => ready) === true,
    );
  }

  ended(name: string): Promise<Pod> {
    return this.until(name, ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed');
  }

  async list(): Promise<readonly Pod[]> {
    return ((await this.#client.call(podsPath)).value as { readonly items: readonly Pod[] }).items;
  }

  /** Deletes a pod and waits until it is gone. @returns it as it was at last */
  async delete(name: string, gracePeriodSeconds?: number): Promise<Pod> {
    const gone = this.until(name, 'gone');
    await this.#client.call(`${podsPath}/${name}`, {
      method: 'DELETE',
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      },
    });
    return gone;
  }

  async log(name: string, query: Readonly<Record<string, string>> = {}): Promise<string> {
    const chunks: Uint8Array[] = [];
    const signal = AbortSignal.timeout(PATIENCE);
    for await (const chunk of this.#client.stream(`${podsPath}/${name}/log`, { query, signal }))
      chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  /** The log as it comes, until the container ends. */
  async *follow(name: string, query: Readonly<Record<string, string>> = {}): AsyncGenerator<string> {
    const signal = AbortSignal.timeout(PATIENCE);
    const call = { query: { ...query, follow: 'true' }, signal };
    for await (const chunk of this.#client.stream(`${podsPath}/${name}/log`, call))
      yield Buffer.from(chunk).toString();
  }

  /** The log of a container that runs, as soon as it has a line that is `line`. */
  async logUntil(name: string, line: string, query: Readonly<Record<string, string>> = {}): Promise<string> {
    const started = ({ status }: Pod) =>
      status?.containerStatuses?.some(
        own => own.ready && (query.container === undefined || own.name === query.container),
      ) === true;
    await this.until(name, started);
    let text = '';
    for await (const chunk of this.follow(name, query)) {
      text += chunk;
      if (text.split('\n').includes(line)) return text;
    }
    throw new Error(`the log of ${name} has ended without ${line}: ${text}`);
  }

  /** The events of a pod, once there is one of `reason`: they are written a moment after what they tell of. */
  async events({ metadata }: Pod, reason: string): Promise<readonly Event[]> {
    const path = '/api/v1/namespaces/default/events';
    const fieldSelector = `involvedObject.uid=${metadata.uid}`;
    const signal = AbortSignal.timeout(PATIENCE);
    const watching = this.#client.stream(path, { query: { fieldSelector, watch: 'true' }, signal });
    for await (const line of readLines(watching)) {
      const { object } = JSON.parse(line) as { readonly object: Event };
      if (object.reason === reason) break;
    }
    const { value } = await this.#client.call(path, { query: { fieldSelector } });
    return (value as { readonly items: readonly Event[] }).items;
  }
}
