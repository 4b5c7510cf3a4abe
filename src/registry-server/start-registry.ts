import { mkdir } from 'node:fs/promises';
import { HawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import { answer } from './answer.ts';
import { createApp } from './http/app.ts';
import { closeServer, listen } from './http/listen.ts';
import type { RegistryContext } from './registry-context.ts';
import { FilesystemDriver } from './storage/filesystem-driver.ts';
import { openVolume } from './storage/volume.ts';

export interface RegistryOptions {
  /** The volume; `docker/registry/v2` below it is made where it is missing. */
  readonly root: string;
  /** All addresses where left out. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** Takes one line of JSON for each request, and for each failure of the registry itself. */
  readonly log?: ((line: string) => void) | undefined;
  /** Closes the registry when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Whether clients may delete; default true. */
  readonly deleteEnabled?: boolean;
  /** Whether Location headers leave out scheme and host; default false, as registry:2. */
  readonly relativeURLs?: boolean;
  /**
   * Whether image manifests may be pushed before their config and layers, with a warning; default true, as the
   * conformance suite wants it. registry:2 answers MANIFEST_BLOB_UNKNOWN. Indexes may always be sparse.
   */
  readonly sparseImages?: boolean;
  /** Milliseconds that `close` waits for running requests; default 10,000. */
  readonly drainTimeout?: number;
}

export interface RunningRegistry {
  /** E.g. `http://127.0.0.1:5000`. */
  readonly url: string;
  readonly port: number;
  /** Takes no more connections, lets running requests end. */
  close(): Promise<void>;
}

const DRAIN_TIMEOUT = 10_000;
const CATALOG_LIMIT = 1000;

async function makeRoot(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new HawserError('PERMISSION_DENIED', `make the registry's volume ${root}: ${code}`, {
        cause: error,
        remedy: 'Name a folder that you may write to with --root.',
      });
    }
    throw new HawserError('INVALID_ARGUMENT', `make the registry's volume ${root}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name a folder with --root.',
    });
  }
}

/** The host in a URL: an address that stands for all of them is reached by the loopback. */
function urlHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Serves a volume in the layout of registry:2.
 *
 * @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT
 */
export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  const { root, host, log } = options;
  await makeRoot(root);
  const context: RegistryContext = {
    volume: openVolume(new FilesystemDriver(root)),
    deleteEnabled: options.deleteEnabled ?? true,
    relativeURLs: options.relativeURLs ?? false,
    sparseImages: options.sparseImages ?? true,
    catalogLimit: CATALOG_LIMIT,
  };
  const onFailure = (error: unknown) =>
    log?.(JSON.stringify({ time: new Date().toISOString(), level: 'error', error: messageOf(error) }));
  let closing: Promise<void> | undefined;
  const app = createApp({
    answer: request => answer(request, context, onFailure),
    log,
    isClosing: () => closing !== undefined,
  });
  const server = await listen(app, { host, port: options.port });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const close = () => {
    closing ??= closeServer(server, options.drainTimeout ?? DRAIN_TIMEOUT);
    return closing;
  };
  if (options.signal?.aborted === true) await close();
  else options.signal?.addEventListener('abort', () => void close(), { once: true });
  return { url: `http://${urlHost(host)}:${port}`, port, close };
}
