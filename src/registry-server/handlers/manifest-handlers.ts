import type { RepositoryName } from '../../distribution/names.ts';
import type { ManifestReference } from '../../distribution/routes.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import type { StoredManifest } from '../storage/manifests.ts';
import { manifestEvent } from './manifest-event.ts';
import { empty, isNotModified, requireDeletes } from './reply.ts';

export interface ManifestTarget {
  readonly name: RepositoryName;
  readonly reference: ManifestReference;
}

function unknownManifest({ name, reference }: ManifestTarget): HawserError {
  const what = reference.kind === 'tag' ? `tag ${reference.tag}` : `manifest ${reference.digest}`;
  const detail = reference.kind === 'tag' ? { name, tag: reference.tag } : { name, digest: reference.digest };
  return new HawserError('MANIFEST_UNKNOWN', `${what} is not in ${name}`, { detail });
}

async function findManifest(
  context: RequestContext,
  { name, reference }: ManifestTarget,
): Promise<StoredManifest | undefined> {
  const { tags, manifests } = context.volume;
  const digest = reference.kind === 'digest' ? reference.digest : await tags.get(name, reference.tag);
  return digest === undefined ? undefined : await manifests.get(name, digest);
}

/** end-3, GET and HEAD `/v2/<name>/manifests/<reference>`: the bytes as they were pushed, whatever Accept says. */
export async function getManifest(
  request: RegistryRequest,
  context: RequestContext,
  target: ManifestTarget,
): Promise<RegistryResponse> {
  await context.proxy?.prepareManifest(target.name, target.reference);
  const manifest = await findManifest(context, target);
  if (manifest === undefined) throw unknownManifest(target);
  if (context.proxy !== undefined) context.proxy.counts.manifest.pushed += manifest.bytes.length;
  const etag = `"${manifest.digest}"`;
  const headers = { 'Docker-Content-Digest': manifest.digest, Etag: etag };
  if (isNotModified(request, etag)) return empty(304, headers);
  const answer = {
    status: 200,
    headers: {
      'Content-Type': manifest.mediaType,
      'Content-Length': String(manifest.bytes.length),
      ...headers,
    },
  };
  if (request.method === 'HEAD') return answer;
  if (context.notify !== undefined) {
    const tag = target.reference.kind === 'tag' ? { tag: target.reference.tag } : {};
    await emit(context, 'pull', { ...manifestEvent(context, target.name, manifest), ...tag });
  }
  return { ...answer, body: manifest.bytes };
}

/** end-9, DELETE: a tag alone, or a manifest with all its tags. */
export async function deleteManifest(
  _request: RegistryRequest,
  context: RequestContext,
  target: ManifestTarget,
): Promise<RegistryResponse> {
  requireDeletes(context);
  const { name, reference } = target;
  const { tags, manifests } = context.volume;
  if (reference.kind === 'tag') {
    const digest = await tags.get(name, reference.tag);
    if (!(await tags.remove(name, reference.tag))) throw unknownManifest(target);
    if (digest !== undefined && context.garbage?.wantsUntagged === true)
      await context.garbage.noteUntagged(name, digest);
    await emit(context, 'delete', { repository: name, tag: reference.tag });
    return empty(202);
  }
  const digests: readonly Digest[] = await manifests.digestsOf(name, reference.digest);
  const [canonical] = digests;
  if (canonical === undefined) throw unknownManifest(target);
  const note = await context.garbage?.beforeDelete(name, canonical);
  // Tags first: a crash in between leaves a manifest without a tag, never a tag without a manifest.
  await tags.removeAllOf(name, digests);
  await manifests.remove(name, canonical);
  note?.();
  await emit(context, 'delete', { repository: name, digest: reference.digest });
  return empty(202);
}
