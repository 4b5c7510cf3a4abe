import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import { messageOf } from '../../errors/hawser-error.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import { adaptRequest } from './request-adapter.ts';
import { sendResponse } from './send-response.ts';

/** How long the rest of a refused body is read and thrown away, so that the client gets to see the answer. */
const DISCARD_TIME = 5000;

export interface AppOptions {
  readonly answer: (request: RegistryRequest) => Promise<RegistryResponse>;
  /** Takes one line of JSON for each request. */
  readonly log?: ((line: string) => void) | undefined;
  /** Whether connections must end with the answer, since the server is closing. */
  readonly isClosing: () => boolean;
}

/** The express application of a registry: all it does is to turn requests and answers from one form into the other. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request: IncomingMessage, response: ServerResponse) => serve(request, response, options));
  return app;
}

async function serve(request: IncomingMessage, response: ServerResponse, options: AppOptions): Promise<void> {
  const started = performance.now();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let sent = 0;
  let failure: string | undefined;
  try {
    const answer = await options.answer(adaptRequest(request, gone.signal));
    if (options.isClosing() || !request.complete) response.setHeader('Connection', 'close');
    sent = await sendResponse(response, answer);
    if (!request.complete) discardRest(request);
  } catch (error) {
    // The handlers answer every error; what fails here is the way to the client, or the file while it is sent.
    failure = messageOf(error);
    response.destroy();
  }
  options.log?.(
    JSON.stringify({
      time: new Date().toISOString(),
      remote: request.socket.remoteAddress,
      method: request.method,
      url: request.url,
      status: response.statusCode,
      bytes: sent,
      ms: Math.round((performance.now() - started) * 10) / 10,
      agent: request.headers['user-agent'],
      error: failure,
    }),
  );
}

function discardRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), DISCARD_TIME);
  request.once('close', () => clearTimeout(timer));
  request.once('error', () => clearTimeout(timer));
  request.resume();
}
