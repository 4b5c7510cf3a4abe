import { messageOf } from '../../errors/hawser-error.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import { type AnyRequest, adaptRequest } from './request-adapter.ts';
import { type ResponseTarget, sendResponse } from './send-response.ts';

/** How long the rest of a refused body is read and thrown away, so that the client gets to see the answer. */
const DISCARD_TIME = 5000;

/** A request that was answered, for the log and the metrics. */
export interface ServedRequest {
  readonly request: RegistryRequest;
  readonly protocol: string;
  readonly status: number;
  readonly contentType: string | undefined;
  /** Bytes of the body. */
  readonly sent: number;
  /** Milliseconds. */
  readonly time: number;
  /** Why the answer did not get to its end. */
  readonly failure: string | undefined;
}

export interface AppOptions {
  readonly answer: (request: RegistryRequest) => Promise<RegistryResponse>;
  readonly onServed: (served: ServedRequest) => void;
  /** Whether connections must end with the answer, since the server is closing. */
  readonly isClosing: () => boolean;
}

export type AppListener = (request: AnyRequest, response: ResponseTarget) => void;

/** The listener of a registry: all it does is to turn requests and answers from one form into the other. */
export function createApp(options: AppOptions): AppListener {
  return (request, response) => void serve(request, response, options);
}

async function serve(request: AnyRequest, response: ResponseTarget, options: AppOptions): Promise<void> {
  const started = performance.now();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const adapted = adaptRequest(request, gone.signal);
  let answer: RegistryResponse | undefined;
  let sent = 0;
  let failure: string | undefined;
  try {
    answer = await options.answer(adapted);
    const isCut = !request.complete;
    const isPlain = request.httpVersionMajor === 1;
    if (isPlain && (isCut || options.isClosing())) response.setHeader('Connection', 'close');
    sent = await sendResponse(response, answer, isPlain && isCut ? () => restOf(request) : undefined);
    if (!isPlain && isCut) await restOf(request);
  } catch (error) {
    // The handlers answer every error; what fails here is the way to the client, or the file while it is sent.
    failure = messageOf(error);
    response.destroy();
  }
  const contentType = answer?.headers['Content-Type'];
  options.onServed({
    request: adapted,
    protocol: `HTTP/${request.httpVersion}`,
    status: response.statusCode,
    contentType: typeof contentType === 'string' ? contentType : undefined,
    sent,
    time: performance.now() - started,
    failure,
  });
}

/**
 * Throws the rest of a body away. To close the connection at once would make the client's system drop the answer with it,
 * while it still writes.
 */
async function restOf(request: AnyRequest): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, DISCARD_TIME);
    for (const event of ['end', 'close', 'error'])
      request.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    request.resume();
  });
}
