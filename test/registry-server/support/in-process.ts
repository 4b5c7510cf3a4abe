import { Readable } from 'node:stream';
import { answer } from '../../../src/registry-server/answer.ts';
import { defaultPushRules, type RegistryContext } from '../../../src/registry-server/registry-context.ts';
import type { RegistryRequest } from '../../../src/registry-server/registry-message.ts';
import type { StorageDriver } from '../../../src/registry-server/storage/driver.ts';
import { openVolume } from '../../../src/registry-server/storage/volume.ts';

export interface InProcessAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** The handlers of a registry on a driver, without a server. */
export class InProcessRegistry {
  readonly #context: RegistryContext;

  constructor(driver: StorageDriver) {
    this.#context = {
      volume: openVolume(driver),
      deleteEnabled: true,
      readOnly: false,
      redirects: true,
      relativeURLs: true,
      externalURL: undefined,
      prefix: '',
      push: defaultPushRules,
      catalogLimit: 1000,
      tagLimit: Number.POSITIVE_INFINITY,
      authenticator: undefined,
      problems: new Map(),
      headers: {},
      eventReferences: false,
      notify: undefined,
      proxy: undefined,
      garbage: undefined,
    };
  }

  async send(line: string, body?: string): Promise<InProcessAnswer> {
    const [method = '', url = ''] = line.split(' ');
    const request: RegistryRequest = {
      id: 'x',
      method,
      url,
      header: name =>
        name === 'content-length' && body !== undefined ? String(Buffer.byteLength(body)) : undefined,
      body: Readable.from(body === undefined ? [] : [Buffer.from(body)]),
      origin: undefined,
      remote: '',
      signal: new AbortController().signal,
    };
    const response = await answer(request, this.#context, error => {
      throw error;
    });
    const chunks: Uint8Array[] = [];
    if (typeof response.body === 'string') chunks.push(Buffer.from(response.body));
    else if (response.body instanceof Uint8Array) chunks.push(response.body);
    else for await (const chunk of response.body ?? []) chunks.push(Buffer.from(chunk));
    return { status: response.status, headers: response.headers, body: Buffer.concat(chunks).toString() };
  }
}

/** A driver that calls `before` ahead of each operation; locks are its own. */
export function hooked(driver: StorageDriver, before: (operation: string) => Promise<void>): StorageDriver {
  return new Proxy(driver, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      const bound = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        await before(`${String(key)} ${String(args[0])}`);
        return await bound(...args);
      };
    },
  });
}
