import { messageOf } from '../errors/hawser-error.ts';
import { answer } from './answer.ts';
import { openAuthenticator } from './auth/open-authenticator.ts';
import { Notifier } from './events/notifier.ts';
import { defaultGarbageSettings, OnlineCollector } from './gc/online-collector.ts';
import { HealthMonitor } from './health/health-monitor.ts';
import { createApp, type ServedRequest } from './http/app.ts';
import { createDebugApp } from './http/debug-app.ts';
import { type Listening, listen } from './http/listen.ts';
import { accessFields } from './log/access-log.ts';
import type { Logger } from './log/logger.ts';
import { startPurging } from './maintenance/start-purging.ts';
import { RegistryMetrics } from './metrics/registry-metrics.ts';
import { PullThrough } from './proxy/pull-through.ts';
import { type ExpiryParts, startExpiring } from './proxy/start-expiring.ts';
import { defaultPushRules, type RegistryContext } from './registry-context.ts';
import type { RegistryOptions } from './registry-options.ts';
import type { StorageDriver } from './storage/driver.ts';
import { openDriver } from './storage/open-driver.ts';
import { openVolume } from './storage/volume.ts';

export interface RunningRegistry {
  /** E.g. `http://127.0.0.1:5000`. */
  readonly url: string;
  readonly port: number;
  /** Of what `debug` names, where it names something. */
  readonly debugPort: number | undefined;
  /** Takes no more connections, lets running requests end. */
  close(): Promise<void>;
}

const DRAIN_TIMEOUT = 10_000;
const CATALOG_LIMIT = 1000;

/** The host in a URL: an address that stands for all of them is reached by the loopback. */
function urlHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function portOf({ server }: Listening): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const silent: Logger = { log: () => undefined };

/** What runs beside the server, in the order in which it is ended. */
class Parts {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add<Part extends { close?(): Promise<void> | void }>(part: Part): Part {
    this.#closers.push(() => part.close?.());
    return part;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

function contextOf(
  options: RegistryOptions,
  parts: Pick<RegistryContext, 'volume' | 'authenticator' | 'problems' | 'notify' | 'garbage' | 'proxy'>,
): RegistryContext {
  return {
    ...parts,
    deleteEnabled: options.deleteEnabled ?? true,
    readOnly: options.readOnly ?? false,
    redirects: options.redirects ?? true,
    relativeURLs: options.relativeURLs ?? false,
    externalURL: options.externalURL,
    prefix: options.prefix ?? '',
    push: { ...defaultPushRules, ...options.push },
    catalogLimit: options.catalogLimit ?? CATALOG_LIMIT,
    tagLimit: options.tagLimit ?? Number.POSITIVE_INFINITY,
    headers: options.headers ?? {},
    eventReferences: options.notifications?.includeReferences ?? false,
  };
}

/**
 * Serves a volume in the layout of registry:2.
 *
 * @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT, REGISTRY_CONFIG_INVALID
 */
export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  const parts = new Parts();
  try {
    return await start(options, parts);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function start(options: RegistryOptions, parts: Parts): Promise<RunningRegistry> {
  const logger = options.logger ?? silent;
  const metrics =
    options.debug?.metricsPath === undefined ? undefined : new RegistryMetrics(options.prefix ?? '');
  const plain = parts.add(await openDriver(options.storage));
  const driver = metrics?.measured(plain, options.storage.kind) ?? plain;
  const authenticator = await openAuthenticator(options.auth, logger);
  if (authenticator !== undefined) parts.add(authenticator);
  const health = options.health && parts.add(new HealthMonitor(options.health, driver, logger));
  const notifier = startNotifier(options, driver, logger);
  if (notifier !== undefined) parts.add(notifier);
  metrics?.watchEndpoints(notifier?.endpoints ?? []);
  const volume = openVolume(driver, options.uploads);
  const garbage = startCollecting(options, { driver, volume, logger });
  if (garbage !== undefined) await parts.add(garbage).prepared;
  const proxy = startProxy(options, { volume, garbage, logger }, parts);
  metrics?.watchProxy(proxy);
  const context = contextOf(options, {
    volume,
    garbage,
    proxy,
    authenticator,
    problems: health?.problems ?? new Map(),
    notify: notifier && (event => notifier.notify(event)),
  });
  if (options.purge !== undefined && options.readOnly !== true) {
    parts.add(startPurging(driver, options.purge, logger));
  }
  const debugServer = await startDebug(options, context, metrics);
  if (debugServer !== undefined) parts.add({ close: () => debugServer.close(0) });
  const running = await startServing(options, { context, metrics, logger, parts });
  if (notifier !== undefined) notifier.address = new URL(running.url).host;
  return { ...running, debugPort: debugServer && portOf(debugServer) };
}

function startNotifier(
  { notifications }: RegistryOptions,
  driver: StorageDriver,
  logger: Logger,
): Notifier | undefined {
  const endpoints = notifications?.endpoints.filter(({ disabled }) => !disabled) ?? [];
  if (endpoints.length === 0) return undefined;
  return new Notifier(endpoints, { driver, logger });
}

function startProxy({ proxy }: RegistryOptions, having: ExpiryParts, parts: Parts): PullThrough | undefined {
  if (proxy === undefined) return undefined;
  if (proxy.ttl > 0) parts.add(startExpiring(having, proxy.ttl));
  return parts.add(new PullThrough({ ...having, ...proxy }));
}

function startCollecting(
  { garbage, readOnly }: RegistryOptions,
  parts: ConstructorParameters<typeof OnlineCollector>[0],
): OnlineCollector | undefined {
  if (garbage === undefined || readOnly === true) return undefined;
  return new OnlineCollector(parts, { ...defaultGarbageSettings, ...garbage });
}

async function startDebug(
  { debug }: RegistryOptions,
  { problems }: RegistryContext,
  metrics: RegistryMetrics | undefined,
): Promise<Listening | undefined> {
  if (debug === undefined) return undefined;
  const { metricsPath, host, port } = debug;
  const shown = metrics && metricsPath ? { path: metricsPath, render: () => metrics.render() } : undefined;
  return await listen(createDebugApp({ problems, metrics: shown }), { address: { host, port } });
}

interface Served {
  readonly context: RegistryContext;
  readonly metrics: RegistryMetrics | undefined;
  readonly logger: Logger;
  readonly parts: Parts;
}

async function startServing(
  options: RegistryOptions,
  { context, metrics, logger, parts }: Served,
): Promise<Omit<RunningRegistry, 'debugPort'>> {
  let closing: Promise<void> | undefined;
  const onFailure = (error: unknown) => logger.log('error', messageOf(error));
  const onServed = (served: ServedRequest) => {
    metrics?.end(served);
    if (options.accessLog === true) logger.log('info', 'response completed', accessFields(served));
  };
  const app = createApp({
    answer: request => {
      metrics?.begin();
      return answer(request, context, onFailure);
    },
    onServed,
    isClosing: () => closing !== undefined,
  });
  const { host, port, socket, tls, limits } = options;
  const address = { host, port, path: socket };
  const listening = await listen(app, { address, limits, tls, http2: options.http2 ?? true });
  const close = () => {
    closing ??= listening.close(options.drainTimeout ?? DRAIN_TIMEOUT).then(() => parts.close());
    return closing;
  };
  if (options.signal?.aborted === true) await close();
  else options.signal?.addEventListener('abort', () => void close(), { once: true });
  const taken = portOf(listening);
  const scheme = tls === undefined ? 'http' : 'https';
  return { url: socket ?? `${scheme}://${urlHost(host)}:${taken}`, port: taken, close };
}
