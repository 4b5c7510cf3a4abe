import { isHawserError } from '../../errors/hawser-error.ts';
import { isLoopbackHost, registryUrl } from '../endpoint.ts';
import type { Exchanger } from '../exchange.ts';
import { discardBody } from '../read-answer.ts';
import type { Place } from './host-rules.ts';

type Scheme = 'http' | 'https';

export interface SchemesOptions {
  readonly exchanger: Exchanger;
  /** http for every registry. */
  readonly plainHttp: boolean;
  readonly isInsecure: (domain: string) => Promise<boolean>;
}

/**
 * Whether registries are spoken to in plain. https; http on loopback, until something there turns out to speak TLS; and for
 * those that the machine calls insecure https first, then http, as dockerd does.
 */
export class Schemes {
  readonly #options: SchemesOptions;
  readonly #known = new Map<string, Promise<Scheme>>();

  constructor(options: SchemesOptions) {
    this.#options = options;
  }

  async baseOf({ domain, plainHttp }: Place): Promise<URL> {
    if (plainHttp === true || this.#options.plainHttp) return registryUrl(domain, 'http');
    const scheme = this.#known.get(domain) ?? this.#decide(domain);
    this.#known.set(domain, scheme);
    return registryUrl(domain, await scheme);
  }

  async #decide(domain: string): Promise<Scheme> {
    if (isLoopbackHost(domain)) return 'http';
    if (!(await this.#options.isInsecure(domain))) return 'https';
    return (await this.#speaksTLS(domain)) ? 'https' : 'http';
  }

  async #speaksTLS(domain: string): Promise<boolean> {
    const url = new URL('/v2/', registryUrl(domain, 'https'));
    try {
      discardBody(await this.#options.exchanger.send({ method: 'GET', url }));
      return true;
    } catch (error) {
      if (!isHawserError(error, 'REGISTRY_UNREACHABLE')) throw error;
      return false;
    }
  }

  /** After an answer by http on loopback that was none of HTTP. @returns whether https is to be tried from now on */
  async turnToTLS({ domain, plainHttp }: Place): Promise<boolean> {
    if (!isLoopbackHost(domain) || plainHttp === true || this.#options.plainHttp) return false;
    if ((await this.#known.get(domain)) === 'https') return true;
    if (!(await this.#speaksTLS(domain))) return false;
    this.#known.set(domain, Promise.resolve('https'));
    return true;
  }
}
