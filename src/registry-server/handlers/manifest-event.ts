import type { RepositoryName } from '../../distribution/names.ts';
import { formatRoute } from '../../distribution/routes.ts';
import type { EventTarget } from '../events/event.ts';
import type { RequestContext } from '../registry-context.ts';
import type { StoredManifest } from '../storage/manifests.ts';
import { absoluteURL } from './reply.ts';

/** What an event tells of a manifest. */
export function manifestEvent(
  context: RequestContext,
  name: RepositoryName,
  manifest: Pick<StoredManifest, 'mediaType' | 'digest' | 'bytes'>,
): EventTarget {
  const { mediaType, digest, bytes } = manifest;
  const reference = { kind: 'digest', digest } as const;
  const url = absoluteURL(context.request, context, formatRoute({ kind: 'manifest', name, reference }));
  const references = context.eventReferences ? { references: descriptorsIn(bytes) } : {};
  return { repository: name, mediaType, digest, size: bytes.length, url, ...references };
}

/** What a manifest names, as it names it. */
function descriptorsIn(bytes: Uint8Array): readonly object[] {
  const {
    config,
    layers = [],
    manifests = [],
  } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    readonly config?: object;
    readonly layers?: readonly object[];
    readonly manifests?: readonly object[];
  };
  return [...(config === undefined ? [] : [config]), ...layers, ...manifests];
}
