import { headers } from '../distribution/headers.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute } from '../distribution/routes.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
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

/** Tries of a blob whose upload the connection breaks. */
const attempts = 3;

export async function hasBlob(
  transport: Transport,
  digest: Digest,
  options: UploadOptions,
): Promise<boolean> {
  const name = parseRepositoryName(options.scope.path);
  const target = formatRoute({ kind: 'blob', name, digest });
  const answer = await transport.request({ method: 'HEAD', ...options, target, expect: [200, 404] });
  discardBody(answer.body);
  return answer.status === 200;
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
async function startUpload(
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
    repeatable: true,
  });
  discardBody(answer.body);
  return answer.status === 201 ? undefined : locationOf(answer);
}

async function sendKnown(
  transport: Transport,
  location: URL,
  blob: { readonly descriptor: Descriptor; readonly open: () => AsyncIterable<Uint8Array> } & UploadOptions,
): Promise<void> {
  const { descriptor, open, scope, signal } = blob;
  const answer = await transport.request({
    method: 'PUT',
    scope,
    signal,
    target: withDigest(location, descriptor.digest),
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) },
    body: open,
    expect: [201],
  });
  checkCreated(answer, descriptor.digest);
}

/** Streams without knowing digest or size, which the PUT at the end tells: distribution-spec 1.1 "Pushing a blob in chunks". */
async function sendStream(
  transport: Transport,
  location: URL,
  layer: PreparedLayer & UploadOptions,
): Promise<Descriptor> {
  const { scope, signal } = layer;
  const sent = await transport.request({
    method: 'PATCH',
    scope,
    signal,
    target: location,
    headers: { 'content-type': 'application/octet-stream' },
    body: () => layer.open(),
    expect: [202],
  });
  discardBody(sent.body);
  const descriptor = await layer.descriptor;
  const answer = await transport.request({
    method: 'PUT',
    scope,
    signal,
    target: withDigest(locationOf(sent), descriptor.digest),
    expect: [201],
  });
  checkCreated(answer, descriptor.digest);
  return descriptor;
}

export type UploadOutcome = 'exists' | 'mounted' | 'done';

/**
 * Brings one blob into a repository, unless it is there or can be mounted. A broken connection starts it again.
 *
 * @returns its descriptor, and how it got there
 */
export async function uploadBlob(
  transport: Transport,
  layer: PreparedLayer,
  options: UploadOptions & { readonly mountFrom?: string | undefined },
): Promise<{ readonly descriptor: Descriptor; readonly outcome: UploadOutcome }> {
  const known = layer.descriptor instanceof Promise ? undefined : layer.descriptor;
  if (known !== undefined && (await hasBlob(transport, known.digest, options)))
    return { descriptor: known, outcome: 'exists' };
  for (let attempt = 1; ; attempt++) {
    try {
      const mount =
        known === undefined || options.mountFrom === undefined
          ? undefined
          : { digest: known.digest, from: options.mountFrom };
      const location = await startUpload(transport, { ...options, mount });
      if (known === undefined) {
        if (location === undefined)
          throw new HawserError('REGISTRY_ERROR', 'the registry mounted a blob that nobody named');
        return {
          descriptor: await sendStream(transport, location, {
            ...options,
            ...layer,
            open: () => layer.open(),
          }),
          outcome: 'done',
        };
      }
      if (location === undefined) return { descriptor: known, outcome: 'mounted' };
      await sendKnown(transport, location, { ...options, descriptor: known, open: () => layer.open() });
      return { descriptor: known, outcome: 'done' };
    } catch (error) {
      const again =
        isHawserError(error, 'REGISTRY_UNREACHABLE') || isHawserError(error, 'BLOB_UPLOAD_UNKNOWN');
      if (!again || attempt >= attempts) throw error;
    }
  }
}
