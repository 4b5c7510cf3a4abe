import type { ApiObject } from '../../../api/object-meta.ts';
import { expired } from '../../../api/status.ts';
import { isHawserError } from '../../../errors/hawser-error.ts';
import type { StoreEvent } from '../../store/object-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { keyPrefix, withVersion } from './object-keys.ts';
import { isSelected, listObjects, type Selection } from './read-objects.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: ApiObject }
  /** All that was there has been told; `revision` is that of the list. */
  | { readonly type: 'SYNCED'; readonly revision: number };

/** The event as one who sees only selected objects sees it; undefined where none of it is seen. */
function seenEvent(
  definition: ResourceDefinition,
  event: StoreEvent,
  selection: Selection,
): WatchEvent | undefined {
  const { previous, type } = event;
  const { value, revision } = event.object;
  const object = withVersion(value, revision);
  const before = previous !== undefined && isSelected(definition, previous, selection);
  const after = type !== 'DELETED' && isSelected(definition, value, selection);
  if (before && after) return { type: 'MODIFIED', object };
  if (after) return { type: 'ADDED', object };
  return before ? { type: 'DELETED', object } : undefined;
}

/**
 * Changes of the selected objects after a revision; without one, those that are there first, and then SYNCED.
 *
 * @throws StatusError 410 where the revision is too old, or is still to come
 */
export async function* watchObjects(
  context: ApiContext,
  definition: ResourceDefinition,
  options: Selection & { readonly after: number | undefined; readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent, void> {
  let { after } = options;
  const listed = await listObjects(context, definition, options);
  if (after === undefined) {
    for (const object of listed.items) yield { type: 'ADDED', object };
    after = listed.revision;
    yield { type: 'SYNCED', revision: after };
  } else if (after > listed.revision) {
    // Of another life of this cluster: its events would not be those that the client waits for.
    throw expired(`too large resource version: ${after}, current: ${listed.revision}`);
  }
  const { signal } = options;
  try {
    for await (const event of context.store.watch(keyPrefix(definition, options.namespace), {
      after,
      signal,
    })) {
      const seen = seenEvent(definition, event, options);
      if (seen !== undefined) yield seen;
    }
  } catch (error) {
    if (isHawserError(error, 'UNAVAILABLE') && error.detail === 'compacted')
      throw expired(`too old resource version: ${after}`);
    throw error;
  }
}
