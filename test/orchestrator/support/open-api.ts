import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Pod } from '../../../src/api/pod.ts';
import type { Status } from '../../../src/api/status.ts';
import type { ApiContext } from '../../../src/orchestrator/apiserver/api-context.ts';
import type { PodLogSource } from '../../../src/orchestrator/apiserver/pod-logs.ts';
import { servedResources } from '../../../src/orchestrator/apiserver/resources/served-resources.ts';
import { startApiServer } from '../../../src/orchestrator/apiserver/start-api-server.ts';
import { makeSystemNamespaces } from '../../../src/orchestrator/make-namespaces.ts';
import { createMemoryStore } from '../../../src/orchestrator/store/memory-store.ts';
import { readLines } from './read-lines.ts';

export interface Call {
  readonly body?: unknown;
  /** The body as it is. */
  readonly raw?: string | Uint8Array;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  readonly value: Readonly<Record<string, unknown>>;
}

export interface WatchLine {
  readonly type: string;
  /** With the fields of a Status, where it is one. */
  readonly object: Pod & { readonly code?: number; readonly message?: string };
}

/** The API of an in-memory store, without scheduler, controllers and nodes. */
export interface OpenedApi {
  readonly url: string;
  readonly context: ApiContext;
  /** What the server had to say beside its answers. */
  readonly log: string[];
  /** The clock that the server reads; tests may put it forward. */
  now: number;
  call(method: string, path: string, call?: Call): Promise<Reply>;
  /** Lines of a watch as they come; leaving the loop ends it. */
  watch(path: string): AsyncGenerator<WatchLine, void>;
  close(): Promise<void>;
}

function send(url: string, method: string, call: Call): Promise<IncomingMessage> {
  const body = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const type = call.type ?? (body === undefined ? undefined : 'application/json');
  const isChunked = call.headers?.['Transfer-Encoding'] === 'chunked';
  const headers = {
    ...(type === undefined ? {} : { 'Content-Type': type }),
    ...(body === undefined || isChunked ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const noLogs: PodLogSource = { openLog: () => Promise.resolve(undefined) };

export async function openApi(
  options: { readonly logs?: PodLogSource; readonly logLimit?: number } = {},
): Promise<OpenedApi> {
  const { logs = noLogs, logLimit } = options;
  const store = createMemoryStore(logLimit === undefined ? {} : { logLimit });
  const log: string[] = [];
  const context: ApiContext = { store, resources: servedResources, now: () => opened.now };
  const server = await startApiServer({
    context,
    logs,
    host: '127.0.0.1',
    port: 0,
    log: line => log.push(line),
  });
  const opened: OpenedApi = {
    url: server.url,
    context,
    log,
    now: Date.parse('2026-01-01T00:00:00Z'),
    async call(method, path, call = {}) {
      const response = await send(server.url + path, method, call);
      const text = await readAll(response);
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        get value() {
          return JSON.parse(text) as Reply['value'];
        },
      };
    },
    async *watch(path) {
      const response = await send(server.url + path, 'GET', {});
      try {
        for await (const line of readLines(response as AsyncIterable<Uint8Array>))
          yield JSON.parse(line) as WatchLine;
      } finally {
        const closed = response.closed ? undefined : once(response, 'close');
        response.destroy();
        await closed;
      }
    },
    close: () => server.close(),
  };
  await makeSystemNamespaces(context);
  return opened;
}

export const podsPath = '/api/v1/namespaces/default/pods';

/** The least pod of a name. */
export function podNamed(name: string, more: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [{ name: 'app', image: 'app:1' }], ...more },
  };
}

/** The pod of a reply. */
export function podOf({ value }: Reply): Pod {
  return value as unknown as Pod;
}

export function statusOf({ value }: Reply): Status {
  return value as unknown as Status;
}

/** Names of the objects of a list. */
export function namesOf({ value }: Reply): readonly string[] {
  return (value['items'] as readonly Pod[]).map(({ metadata }) => metadata.name);
}
