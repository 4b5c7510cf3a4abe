/** A request as the handlers see it, without any HTTP server. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query, decoded part by part where it is used. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower case name. */
  header(name: string): string | undefined;
  /** The whole body. @throws StatusError 413 */
  body(): Promise<Uint8Array>;
  /** Fires when the client is gone or the server ends. */
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** A stream is sent chunk by chunk as it comes. */
  readonly body: string | AsyncIterable<string | Uint8Array>;
}

export function jsonResponse(
  status: number,
  value: unknown,
  headers: ApiResponse['headers'] = {},
): ApiResponse {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export function textResponse(status: number, body: ApiResponse['body']): ApiResponse {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}
