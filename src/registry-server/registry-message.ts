/** A request as the handlers see it, whatever server it came through. */
export interface RegistryRequest {
  /** A UUID, for the log and for events. */
  readonly id: string;
  readonly method: string;
  /** Path and query as they came, undecoded. */
  readonly url: string;
  /** The header of a lower-case name; several are joined with a comma. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Scheme and host as the client sees them, e.g. `https://registry.example`; undefined where it named no host. */
  readonly origin: string | undefined;
  /** The client's address, as far as proxies in between tell. */
  readonly remote: string;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
}

export interface RegistryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Left out for none. A chunk of an iterable is sent before the next one is asked for. */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}
