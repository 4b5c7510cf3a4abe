import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Status } from '../../api/status.ts';
import { HawserError, isHawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { ApiFailure } from './api-failure.ts';

export interface ApiCall {
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiReply {
  readonly value: unknown;
  /** What the server wants the user to know. */
  readonly warnings: readonly string[];
}

/** Bytes of an answer. */
const REPLY_LIMIT = 256 << 20;

function urlOf(base: URL, path: string, query: ApiCall['query'] = {}): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** RFC 7234, section 5.5: `299 - "text"` */
function warningsOf({ headers }: IncomingMessage): readonly string[] {
  const header = headers['warning'];
  const text = typeof header === 'string' ? header : '';
  return [...text.matchAll(/299 \S+ ("(?:[^"\\]|\\.)*")/g)].map(
    ([, quoted = '""']) => JSON.parse(quoted) as string,
  );
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > REPLY_LIMIT) throw new HawserError('SIZE_INVALID', 'the answer of the pod API is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** Speaks to the pod API. */
export class ApiClient {
  readonly #base: URL;

  /** @param url e.g. `http://127.0.0.1:8080` @throws HawserError INVALID_ARGUMENT */
  constructor(url: string) {
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (base?.protocol !== 'http:') {
      throw new HawserError(
        'INVALID_ARGUMENT',
        `the address of the pod API, ${JSON.stringify(url)}, is not an http URL`,
        {
          remedy: 'Use http://HOST:PORT.',
        },
      );
    }
    this.#base = base;
  }

  /**
   * One request, its answer as JSON.
   *
   * @throws HawserError API_UNREACHABLE, ABORTED; ApiFailure for what the server refuses
   */
  async call(path: string, call: ApiCall = {}): Promise<ApiReply> {
    const response = await this.#send(path, call);
    const value = await this.#json(response, path, call);
    this.#check(response, value, path);
    return { value, warnings: warningsOf(response) };
  }

  /** The body of an answer as it comes. @throws as `call` */
  async *stream(path: string, call: ApiCall = {}): AsyncGenerator<Uint8Array> {
    const response = await this.#send(path, call);
    if ((response.statusCode ?? 500) >= 400)
      this.#check(response, await this.#json(response, path, call), path);
    try {
      yield* response as AsyncIterable<Uint8Array>;
    } catch (cause) {
      throw this.#brokeOff(cause, call);
    }
  }

  async #json(response: IncomingMessage, path: string, call: ApiCall): Promise<unknown> {
    const { origin } = this.#base;
    const text = await readAll(response).catch((cause: unknown) => {
      throw isHawserError(cause) ? cause : this.#brokeOff(cause, call);
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HawserError('API_UNREACHABLE', `${origin} is no pod API: ${path} is not JSON`, { cause });
    }
  }

  #brokeOff(cause: unknown, { signal }: ApiCall): HawserError {
    if (signal?.aborted === true) return new HawserError('ABORTED', 'the request was cancelled', { cause });
    return new HawserError('API_UNREACHABLE', `${this.#base.origin} broke off: ${messageOf(cause)}`, {
      cause,
    });
  }

  #check({ statusCode = 500 }: IncomingMessage, value: unknown, path: string): void {
    if (statusCode < 400) return;
    if (isStatus(value)) throw new ApiFailure(value);
    throw new HawserError('API_UNREACHABLE', `${this.#base.origin} answered ${path} with ${statusCode}`);
  }

  #send(path: string, call: ApiCall): Promise<IncomingMessage> {
    const { method = 'GET', body, signal } = call;
    throwIfAborted(signal);
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpRequest(urlOf(this.#base, path, call.query), {
        method,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          Accept: call.accept ?? 'application/json',
          ...(text === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
        },
      });
      request.once('response', resolve);
      request.once('error', (cause: Error) => {
        if (signal?.aborted === true)
          reject(new HawserError('ABORTED', 'the request was cancelled', { cause }));
        else reject(this.#unreachable(cause));
      });
      request.end(text);
    });
  }

  #unreachable(cause: Error): HawserError {
    const why = systemErrorCode(cause) === 'ECONNREFUSED' ? 'nothing listens there' : messageOf(cause);
    return new HawserError('API_UNREACHABLE', `the pod API at ${this.#base.origin} does not answer: ${why}`, {
      cause,
      remedy: 'Start it: hawser cluster up.',
    });
  }
}
