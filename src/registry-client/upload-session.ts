import { headers } from '../distribution/headers.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { parseUploadedRange } from '../distribution/ranges.ts';
import { formatRoute } from '../distribution/routes.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { AccessScope } from './auth.ts';
import { discardBody } from './read-answer.ts';
import type { RegistryAnswer, Transport } from './transport.ts';

export interface UploadOptions {
  readonly scope: AccessScope;
  readonly signal?: AbortSignal | undefined;
}

/** Content on its way up. The descriptor may be known at its end only: a layer that is compressed while it goes. */
export interface PreparedLayer {
  readonly descriptor: Descriptor | Promise<Descriptor>;
  /** The bytes, from their beginning each time. */
  open(): AsyncIterable<Uint8Array>;
}

/** Milliseconds that a broken upload takes to be told of its state, before it is started again. */
const statusTimeout = 30_000;

/** An upload under way: the newest `Location` is the one that counts, since registries keep state in it. */
export interface Session {
  location: URL;
  /** Bytes that the registry has. */
  offset: number;
}

function locationOf(answer: RegistryAnswer): URL {
  const location = answer.headers.location;
  if (location === undefined || !URL.canParse(location, answer.url.href)) {
    throw new HawserError(
      'REGISTRY_ERROR',
      `${answer.url.host} answered an upload without a place to go on at`,
    );
  }
  return new URL(location, answer.url);
}

function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
}

function checkCreated(answer: RegistryAnswer, digest: Digest): void {
  const announced = answer.headers[headers.contentDigest];
  discardBody(answer.body);
  if (announced !== undefined && announced !== digest) {
    throw new HawserError('DIGEST_INVALID', `${answer.url.host} stored ${String(announced)} for ${digest}`);
  }
}

/** Starts an upload, or has the blob mounted from another repository of the registry. @returns undefined where it is mounted */
export async function startUpload(
  transport: Transport,
  options: UploadOptions & {
    readonly mount?: { readonly digest: Digest; readonly from: string } | undefined;
  },
): Promise<URL | undefined> {
  const path = formatRoute({ kind: 'uploads', name: parseRepositoryName(options.scope.path) });
  const { mount } = options;
  const query =
    mount === undefined ? '' : `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}`;
  const { scope, signal } = options;
  const answer = await transport.request({
    method: 'POST',
    scope,
    signal,
    target: path + query,
    expect: [201, 202],
    notFound: 'NAME_UNKNOWN',
    repeatable: true,
  });
  discardBody(answer.body);
  return answer.status === 201 ? undefined : locationOf(answer);
}

/** Has a registry forget an upload that came to nothing. */
export async function cancelUpload(
  transport: Transport,
  session: Session,
  { scope }: UploadOptions,
): Promise<void> {
  try {
    const answer = await transport.request({
      method: 'DELETE',
      scope,
      target: session.location,
      expect: [200, 202, 204, 404],
      signal: AbortSignal.timeout(5000),
    });
    discardBody(answer.body);
  } catch (error) {
    // what nobody ends the registry purges in time; the failure before is what the user is told
    if (!isHawserError(error) && !(error instanceof Error && error.name === 'AbortError')) throw error;
  }
}

/** The bytes after the first `offset` ones. */
async function* bytesFrom(
  source: AsyncIterable<Uint8Array>,
  offset: number,
): AsyncGenerator<Uint8Array, void> {
  let surplus = offset;
  for await (const chunk of source) {
    const wanted = chunk.subarray(Math.min(surplus, chunk.length));
    surplus -= chunk.length - wanted.length;
    if (wanted.length > 0) yield wanted;
  }
}

/** Ends an upload whose digest is known; all its bytes go with the PUT where there is nothing of it yet. */
async function putBlob(
  transport: Transport,
  session: Session,
  blob: UploadOptions & { readonly descriptor: Descriptor; readonly open?: () => AsyncIterable<Uint8Array> },
): Promise<void> {
  const { descriptor, open, scope, signal } = blob;
  const answer = await transport.request({
    method: 'PUT',
    scope,
    signal,
    target: withDigest(session.location, descriptor.digest),
    headers:
      open === undefined
        ? {}
        : { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) },
    ...(open === undefined ? {} : { body: open }),
    expect: [201],
  });
  checkCreated(answer, descriptor.digest);
}

/** Sends what the registry does not have yet: distribution-spec 1.1 "Pushing a blob in chunks". */
async function patchBlob(
  transport: Transport,
  session: Session,
  { open, scope, signal, size }: UploadOptions & { open: PreparedLayer['open']; size: number | undefined },
): Promise<void> {
  const { offset } = session;
  const range: Readonly<Record<string, string>> =
    size === undefined
      ? {}
      : { 'content-range': `${offset}-${size - 1}`, 'content-length': String(size - offset) };
  const answer = await transport.request({
    method: 'PATCH',
    scope,
    signal,
    target: session.location,
    headers: { 'content-type': 'application/octet-stream', ...range },
    body: () => (offset === 0 ? open() : bytesFrom(open(), offset)),
    expect: [202],
  });
  discardBody(answer.body);
  session.location = locationOf(answer);
}

/** One try, from where the session is. */
export async function sendBlob(
  transport: Transport,
  session: Session,
  layer: PreparedLayer & UploadOptions,
): Promise<Descriptor> {
  const { scope, signal } = layer;
  const known = layer.descriptor instanceof Promise ? undefined : layer.descriptor;
  const open = () => layer.open();
  if (known !== undefined && session.offset === 0) {
    await putBlob(transport, session, { descriptor: known, open, scope, signal });
    return known;
  }
  if (known === undefined || session.offset < known.size)
    await patchBlob(transport, session, { open, scope, signal, size: known?.size });
  const descriptor = await layer.descriptor;
  await putBlob(transport, session, { descriptor, scope, signal });
  return descriptor;
}

/**
 * Asks how much of a broken upload the registry has; the session goes on there.
 *
 * @returns false where nothing of it is left
 */
export async function askUpload(
  transport: Transport,
  session: Session,
  options: UploadOptions,
): Promise<boolean> {
  const { scope, signal } = options;
  const timeout = AbortSignal.timeout(statusTimeout);
  try {
    const answer = await transport.request({
      method: 'GET',
      scope,
      target: session.location,
      expect: [204],
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    discardBody(answer.body);
    const offset = parseUploadedRange([answer.headers.range].flat()[0]);
    if (offset === undefined || answer.headers.location === undefined) return false;
    session.location = locationOf(answer);
    session.offset = offset;
    return offset > 0;
  } catch (error) {
    throwIfAborted(signal);
    if (!isHawserError(error)) throw error;
    return false; // registry:2 ends an upload that broke, and says so
  }
}
