import { parseRoute, type Route } from '../../distribution/routes.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Endpoint } from '../events/endpoint.ts';
import type { ServedRequest } from '../http/app.ts';
import type { ProxyCounts, PullThrough } from '../proxy/pull-through.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { Counter, Gauge, Histogram, renderMetrics } from './metrics.ts';

const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];
const sizes = [1024, 16_384, 262_144, 4_194_304, 67_108_864, 1_073_741_824];

/** What registry:2 calls the handlers of a route. */
const handlerNames: Readonly<Record<Route['kind'], string>> = {
  base: 'base',
  catalog: 'catalog',
  blob: 'blob',
  uploads: 'blob_upload',
  upload: 'blob_upload_chunk',
  manifest: 'manifest',
  tags: 'tags',
  referrers: 'referrers',
};
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function handlerOf(url: string, prefix: string): string {
  try {
    const route = parseRoute((url.split('?', 1)[0] ?? '').slice(prefix.length));
    return route === undefined ? 'none' : handlerNames[route.kind];
  } catch (error) {
    if (isHawserError(error)) return 'none'; // a path with a bad name
    throw error;
  }
}

/** The driver's methods that are measured, and what registry:2 calls them. */
const actions = {
  stat: 'Stat',
  read: 'Reader',
  readSmall: 'GetContent',
  list: 'List',
  write: 'PutContent',
  append: 'Writer',
  move: 'Move',
  remove: 'Delete',
} as const;

/** What `/metrics` tells, by the names of registry:2 where it has one. */
export class RegistryMetrics {
  readonly #requests = new Counter('registry_http_requests_total', 'Requests that were answered.');
  readonly #times = new Histogram('registry_http_request_duration_seconds', 'Time of a request.', durations);
  readonly #sizes = new Histogram('registry_http_response_size_bytes', 'Bytes of an answer.', sizes);
  readonly #storage = new Histogram(
    'registry_storage_action_seconds',
    'Time of a storage action.',
    durations,
  );
  readonly #prefix: string;
  #inFlight = 0;
  #endpoints: readonly Endpoint[] = [];
  #proxy: PullThrough | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  watchEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
  }

  watchProxy(proxy: PullThrough | undefined): void {
    this.#proxy = proxy;
  }

  begin(): void {
    this.#inFlight++;
  }

  end({ request, status, sent, time }: ServedRequest): void {
    this.#inFlight--;
    const handler = handlerOf(request.url, this.#prefix);
    const method = methods.has(request.method) ? request.method.toLowerCase() : 'other';
    this.#requests.add({ code: String(status), handler, method });
    this.#times.observe({ handler, method }, time / 1000);
    this.#sizes.observe({ handler, method }, sent);
  }

  /** The driver, measured. */
  measured(driver: StorageDriver, kind: string): StorageDriver {
    const observe = (action: string, started: number) =>
      this.#storage.observe({ driver: kind, action }, (performance.now() - started) / 1000);
    return new Proxy(driver, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        const bound = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (!Object.hasOwn(actions, key)) return bound;
        const action = actions[key as keyof typeof actions];
        return async (...args: unknown[]) => {
          const started = performance.now();
          try {
            return await bound(...args);
          } finally {
            observe(action, started);
          }
        };
      },
    });
  }

  render(): string {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const perEndpoint = (read: (endpoint: Endpoint) => number) =>
      this.#endpoints.map(endpoint => [{ endpoint: endpoint.name }, read(endpoint)] as const);
    const ofProxy = (name: string, help: string, read: (counts: ProxyCounts) => number) =>
      new Gauge(`registry_proxy_${name}_total`, help, () =>
        Object.entries(this.#proxy?.counts ?? {}).map(([type, counts]) => [{ type }, read(counts)] as const),
      );
    return renderMetrics([
      this.#requests,
      this.#times,
      this.#sizes,
      this.#storage,
      new Gauge('registry_http_in_flight_requests', 'Requests that run.', () => [[{}, this.#inFlight]]),
      new Gauge('registry_notifications_events_total', 'Events for an endpoint.', () =>
        this.#endpoints.flatMap(({ name, counts }) => [
          [{ endpoint: name, type: 'Events' }, counts.events] as const,
          [{ endpoint: name, type: 'Successes' }, counts.delivered] as const,
          [{ endpoint: name, type: 'Failures' }, counts.failed] as const,
        ]),
      ),
      new Gauge('registry_notifications_pending', 'Events of this process that wait.', () =>
        perEndpoint(({ counts }) => Math.max(0, counts.events - counts.delivered)),
      ),
      ofProxy('requests', 'What clients asked the cache for.', ({ requests }) => requests),
      ofProxy('hits', 'What of it was in the cache.', ({ hits }) => hits),
      ofProxy('misses', 'What of it was not.', ({ misses }) => misses),
      ofProxy('pulled_bytes', 'Bytes from upstream.', ({ pulled }) => pulled),
      ofProxy('pushed_bytes', 'Bytes to clients.', ({ pushed }) => pushed),
      new Gauge('process_resident_memory_bytes', 'Memory of the process.', () => [[{}, rss]]),
      new Gauge('process_heap_bytes', 'JavaScript heap of the process.', () => [[{}, heapUsed]]),
      new Gauge('process_cpu_seconds_total', 'Processor time.', () => [[{}, (user + system) / 1e6]]),
    ]);
  }
}
