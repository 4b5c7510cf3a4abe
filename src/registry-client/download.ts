import { parseRepositoryName } from '../distribution/names.ts';
import { parseContentRange } from '../distribution/ranges.ts';
import { formatRoute } from '../distribution/routes.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { AccessScope } from './auth.ts';
import { connectionError } from './exchange.ts';
import { discardBody } from './read-answer.ts';
import { pauseBeforeRetry } from './retry-pause.ts';
import type { RegistryAnswer, Transport } from './transport.ts';

interface DownloadOptions {
  readonly scope: AccessScope;
  readonly signal?: AbortSignal | undefined;
}

/** Broken connections in a row, without a byte between them, after which a download ends. */
const fruitlessLimit = 4;

/** Foreign layers may lie elsewhere; nobody gets credentials there (CVE-2020-15157). */
async function foreignAnswer(
  transport: Transport,
  url: string,
  options: DownloadOptions & { readonly headers: Readonly<Record<string, string>> },
): Promise<RegistryAnswer> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol !== 'https:')
    throw new HawserError('MANIFEST_INVALID', `layer url ${JSON.stringify(url)} is not https`);
  const scope: AccessScope = { domain: 'foreign.invalid', path: 'none', actions: 'pull' };
  return transport.request({
    method: 'GET',
    scope,
    target,
    headers: options.headers,
    expect: [200, 206],
    signal: options.signal,
  });
}

async function blobAnswer(
  transport: Transport,
  blob: Descriptor,
  options: DownloadOptions & { readonly start: number },
): Promise<RegistryAnswer> {
  const headers: Readonly<Record<string, string>> =
    options.start === 0 ? {} : { range: `bytes=${options.start}-` };
  const name = parseRepositoryName(options.scope.path);
  const target = formatRoute({ kind: 'blob', name, digest: blob.digest });
  try {
    return await transport.request({
      method: 'GET',
      ...options,
      target,
      headers,
      expect: [200, 206],
      notFound: 'BLOB_UNKNOWN',
    });
  } catch (error) {
    const [url] = blob.urls ?? [];
    if (url === undefined || !isHawserError(error, 'BLOB_UNKNOWN')) throw error;
    return foreignAnswer(transport, url, { ...options, headers });
  }
}

/** How many bytes of an answer come before the ones that are wanted. */
function surplusOf(answer: RegistryAnswer, start: number): number {
  if (answer.status === 200) return start;
  const range = parseContentRange(answer.headers['content-range']);
  if (range === undefined || range.start > start) {
    throw new HawserError('REGISTRY_ERROR', `${answer.url.host} sent another part than bytes ${start}-`);
  }
  return start - range.start;
}

/**
 * The bytes of a blob. A connection that breaks is taken up where it broke (`Range`). Not verified here: `ingest` does,
 * and it stops at the descriptor's size.
 *
 * @throws HawserError BLOB_UNKNOWN, SIZE_INVALID, REGISTRY_UNREACHABLE, ABORTED, …
 */
export async function* downloadBlob(
  transport: Transport,
  blob: Descriptor,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array, void> {
  let received = 0;
  for (let fruitless = 0; received < blob.size || fruitless === 0; fruitless++) {
    const before = received;
    const answer = await blobAnswer(transport, blob, { ...options, start: received });
    let surplus = surplusOf(answer, received);
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        const wanted = chunk.subarray(Math.min(surplus, chunk.length));
        surplus -= chunk.length - wanted.length;
        if (wanted.length === 0) continue;
        received += wanted.length;
        yield wanted;
        if (received > blob.size) return;
      }
      return;
    } catch (error) {
      discardBody(answer.body);
      throwIfAborted(options.signal);
      if (received > before) fruitless = 0;
      if (fruitless >= fruitlessLimit) throw connectionError({ method: 'GET', url: answer.url }, error);
      await pauseBeforeRetry(fruitless, { signal: options.signal });
    }
  }
}
