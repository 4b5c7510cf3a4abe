import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute } from '../distribution/routes.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { discardBody } from './read-answer.ts';
import { pauseBeforeRetry } from './retry-pause.ts';
import type { Transport } from './transport.ts';
import {
  askUpload,
  cancelUpload,
  type PreparedLayer,
  type Session,
  sendBlob,
  startUpload,
  type UploadOptions,
} from './upload-session.ts';

/** Tries of a blob whose upload breaks, without a byte between them that the registry kept. */
const attempts = 4;

/** Repositories that a blob is tried to be mounted from. */
const mountLimit = 4;

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

function mayMend(error: unknown): error is HawserError {
  const codes: readonly string[] = [
    'REGISTRY_UNREACHABLE',
    'BLOB_UPLOAD_UNKNOWN',
    'RANGE_INVALID',
    'UNAVAILABLE',
    'TOOMANYREQUESTS',
  ];
  if (!isHawserError(error)) return false;
  const status = (error.detail as { readonly status?: number } | undefined)?.status ?? 0;
  return codes.includes(error.code) || (status >= 500 && status !== 501);
}

/** Sends a blob; a connection that breaks is taken up where it broke, or the upload is started again. */
async function sendRepeatedly(
  transport: Transport,
  first: URL,
  layer: PreparedLayer & UploadOptions,
): Promise<Descriptor> {
  let session: Session = { location: first, offset: 0 };
  for (let fruitless = 1; ; fruitless++) {
    try {
      return await sendBlob(transport, session, layer);
    } catch (error) {
      const known = session.offset;
      const again = mayMend(error) && fruitless < attempts;
      if (!again) {
        await cancelUpload(transport, session, layer);
        throw error;
      }
      await pauseBeforeRetry(fruitless - 1, { signal: layer.signal });
      const resumes = await askUpload(transport, session, layer);
      if (resumes && session.offset > known) fruitless = 0;
      if (!resumes) session = { location: requireLocation(await startUpload(transport, layer)), offset: 0 };
    }
  }
}

function requireLocation(location: URL | undefined): URL {
  if (location === undefined)
    throw new HawserError('REGISTRY_ERROR', 'the registry mounted a blob that nobody named');
  return location;
}

export type UploadOutcome = 'exists' | 'mounted' | 'done';

/** Starts an upload, by a mount where one may do; a registry that refuses the mount gets the bytes. */
async function mountOrStart(
  transport: Transport,
  digest: Digest,
  options: UploadOptions & { readonly mountFrom?: readonly string[] | undefined },
): Promise<URL | undefined> {
  const { scope, signal, mountFrom = [] } = options;
  let started: URL | undefined;
  for (const from of mountFrom.slice(0, mountLimit)) {
    try {
      const mounting = { scope: { ...scope, mountFrom: from }, signal };
      started = await startUpload(transport, { ...mounting, mount: { digest, from } });
      if (started === undefined) return undefined;
      break; // what was started instead serves as well
    } catch (error) {
      // who may push here may not read there: that is no reason not to push
      const refused = [
        'UNAUTHORIZED',
        'DENIED',
        'NAME_UNKNOWN',
        'BLOB_UNKNOWN',
        'UNSUPPORTED',
        'NAME_INVALID',
      ];
      if (!isHawserError(error) || !refused.includes(error.code)) throw error;
    }
  }
  return started ?? requireLocation(await startUpload(transport, { scope, signal }));
}

/**
 * Brings one blob into a repository, unless it is there or can be mounted. A broken connection is taken up again.
 *
 * @returns its descriptor, and how it got there
 */
export async function uploadBlob(
  transport: Transport,
  layer: PreparedLayer,
  options: UploadOptions & { readonly mountFrom?: readonly string[] | undefined },
): Promise<{ readonly descriptor: Descriptor; readonly outcome: UploadOutcome }> {
  const { scope, signal, mountFrom } = options;
  const known = layer.descriptor instanceof Promise ? undefined : layer.descriptor;
  if (known !== undefined && (await hasBlob(transport, known.digest, options)))
    return { descriptor: known, outcome: 'exists' };
  const location =
    known === undefined
      ? requireLocation(await startUpload(transport, { scope, signal }))
      : await mountOrStart(transport, known.digest, { scope, signal, mountFrom });
  if (location === undefined && known !== undefined) return { descriptor: known, outcome: 'mounted' };
  const descriptor = await sendRepeatedly(transport, requireLocation(location), {
    descriptor: layer.descriptor,
    open: () => layer.open(),
    scope,
    signal,
  });
  return { descriptor, outcome: 'done' };
}
