import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import { messageOf } from '../../errors/hawser-error.ts';
import type { RegistryConfig } from '../config/schema.ts';
import type { Logger } from '../log/logger.ts';
import type { StorageReader } from '../storage/driver.ts';

export type HealthSettings = RegistryConfig['health'];

interface HealthCheck {
  readonly name: string;
  /** Milliseconds. */
  readonly interval: number;
  /** Failures in a row before it counts. */
  readonly threshold: number;
  /** @throws what is wrong */
  readonly run: () => Promise<void>;
}

async function checkHTTP(check: HealthSettings['http'][number]): Promise<void> {
  const headers = new Headers();
  for (const [name, values] of Object.entries(check.headers)) {
    for (const value of values) headers.append(name, value);
  }
  const signal = AbortSignal.timeout(Math.max(1, check.timeout));
  const response = await fetch(check.uri, { method: 'HEAD', headers, signal });
  await response.body?.cancel();
  if (response.status !== check.statuscode) throw new Error(`status ${response.status} of ${check.uri}`);
}

async function checkTCP({ addr, timeout }: HealthSettings['tcp'][number]): Promise<void> {
  const at = addr.lastIndexOf(':');
  const socket = connect({ host: addr.slice(0, at), port: Number(addr.slice(at + 1)), timeout });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('timeout', () => reject(new Error(`connect to ${addr}: no answer`)));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
  }
}

/** A file that says with its presence that the registry is to be taken out of service. */
async function checkFile(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw new Error('file exists');
}

function checksOf(settings: HealthSettings, driver: StorageReader): HealthCheck[] {
  const { storagedriver, file, http, tcp } = settings;
  const storage = async () => {
    if ((await driver.stat('')) === undefined) throw new Error('the volume is not there');
  };
  return [
    ...(storagedriver.enabled ? [{ ...storagedriver, name: 'storagedriver', run: storage }] : []),
    ...file.map(each => ({ ...each, name: each.file, threshold: 0, run: () => checkFile(each.file) })),
    ...http.map(each => ({ ...each, name: each.uri, run: () => checkHTTP(each) })),
    ...tcp.map(each => ({ ...each, name: each.addr, run: () => checkTCP(each) })),
  ];
}

/** Runs the checks of `health`; while one fails, the registry answers 503 to everything. */
export class HealthMonitor {
  readonly #problems = new Map<string, string>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(settings: HealthSettings, driver: StorageReader, logger: Logger) {
    for (const check of checksOf(settings, driver)) this.#watch(check, logger);
  }

  /** What is wrong, by check; empty where all is well. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #watch(check: HealthCheck, logger: Logger): void {
    let failures = 0;
    let isRunning = false;
    const run = async () => {
      if (isRunning) return;
      isRunning = true;
      try {
        await check.run();
        failures = 0;
        if (this.#problems.delete(check.name)) logger.log('info', `health: ${check.name} is well again`);
      } catch (error) {
        failures++;
        if (failures < check.threshold) return;
        if (!this.#problems.has(check.name))
          logger.log('error', `health: ${check.name}: ${messageOf(error)}`);
        this.#problems.set(check.name, messageOf(error));
      } finally {
        isRunning = false;
      }
    };
    void run();
    this.#timers.push(setInterval(() => void run(), Math.max(10, check.interval)).unref());
  }
}
