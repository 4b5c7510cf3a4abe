import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import { StatusError } from '../../../api/status.ts';
import { messageOf } from '../../../errors/hawser-error.ts';
import { type ApiRequest, type ApiResponse, jsonResponse } from '../api-message.ts';
import { checkOrigin } from './check-origin.ts';

/** Bytes of a body: apiserver, MaxRequestBodyBytes. */
const BODY_LIMIT = 3 << 20;

export interface AppOptions {
  readonly answer: (request: ApiRequest) => Promise<ApiResponse>;
  /** Fires when the server ends: watches and followed logs end with it. */
  readonly closing: AbortSignal;
  readonly log: (message: string) => void;
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > BODY_LIMIT) {
      const message = `Request entity too large: limit is ${BODY_LIMIT}`;
      throw new StatusError(413, 'RequestEntityTooLarge', { message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function adaptRequest(request: IncomingMessage, signal: AbortSignal): ApiRequest {
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  let body: Promise<Uint8Array> | undefined;
  return {
    method: request.method ?? 'GET',
    path: cut < 0 ? url : url.slice(0, cut),
    query: new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1)),
    header(name) {
      const value = request.headers[name];
      return typeof value === 'object' ? value.join(', ') : value;
    },
    body() {
      body ??= readBody(request);
      return body;
    },
    signal,
  };
}

/** Writes a chunk and waits until the connection has taken it. */
function writeChunk(response: ServerResponse, chunk: string | Uint8Array, gone: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      gone.removeEventListener('abort', done);
      resolve();
    };
    gone.addEventListener('abort', done, { once: true });
    response.write(chunk, done);
  });
}

async function sendStream(
  response: ServerResponse,
  body: AsyncIterable<string | Uint8Array>,
  gone: AbortSignal,
): Promise<void> {
  for await (const chunk of body) {
    if (gone.aborted) return;
    if (!response.headersSent) response.flushHeaders();
    if (chunk.length > 0) await writeChunk(response, chunk, gone);
  }
}

async function sendResponse(response: ServerResponse, answer: ApiResponse, gone: AbortSignal): Promise<void> {
  const { body, headers, status } = answer;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers))
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  if (typeof body === 'string') {
    response.end(body);
    return;
  }
  await sendStream(response, body, gone);
  response.end();
}

async function answerOf(
  request: IncomingMessage,
  options: AppOptions,
  signal: AbortSignal,
): Promise<ApiResponse> {
  try {
    checkOrigin(request);
  } catch (error) {
    if (error instanceof StatusError) return jsonResponse(error.status.code, error.status);
    throw error;
  }
  return options.answer(adaptRequest(request, signal));
}

async function serve(request: IncomingMessage, response: ServerResponse, options: AppOptions): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, options.closing]);
  try {
    const answer = await answerOf(request, options, signal);
    if (!request.complete) response.setHeader('Connection', 'close');
    await sendResponse(response, answer, gone.signal);
    if (!request.complete) request.resume();
  } catch (error) {
    // Handlers answer every error: what fails here is the way to the client, or a stream that has begun.
    if (!gone.signal.aborted) options.log(`${request.method} ${request.url}: ${messageOf(error)}`);
    response.destroy();
  }
}

/** The express application of the API: turns requests and answers from one form into the other. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request: IncomingMessage, response: ServerResponse) => serve(request, response, options));
  return app;
}
