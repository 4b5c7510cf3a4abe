import type { ApiObject } from '../../../api/object-meta.ts';
import { conflict, forbidden, notFound } from '../../../api/status.ts';
import { timestampOf } from '../../../api/timestamp.ts';
import { isHawserError } from '../../../errors/hawser-error.ts';
import type { StoredObject, StoreWrite } from '../../store/object-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { type ObjectName, objectKey, objectOf, storeFailure } from './object-keys.ts';

export interface DeleteOptions {
  /** Seconds. */
  readonly gracePeriodSeconds?: number | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly dryRun?: boolean;
}

export interface Deletion {
  /** As it was, or as it is while it waits for its end. */
  readonly object: ApiObject;
  /** Whether it is gone already. */
  readonly gone: boolean;
}

const TRIES = 16;

function checkPreconditions(definition: ResourceDefinition, object: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = object;
  const failed = (what: string, wanted: string, found = '') => {
    const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`;
    return conflict(definition, metadata.name, why);
  };
  if (uid !== undefined && uid !== metadata.uid) throw failed('UID', uid, metadata.uid);
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw failed('ResourceVersion', resourceVersion, metadata.resourceVersion);
  const reason = definition.forbidsDeletion?.(object);
  if (reason !== undefined) throw forbidden(definition, metadata.name, reason);
}

/** An object that has to go after `grace` seconds; undefined where it has to go sooner already. */
function dyingObject(
  definition: ResourceDefinition,
  { value }: StoredObject,
  options: { readonly grace: number; readonly now: number },
): ApiObject | undefined {
  const { metadata } = value;
  const { grace, now } = options;
  const before = metadata.deletionGracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined && grace >= (before ?? 0)) return undefined;
  // A shorter period counts from the first request for deletion.
  const begun =
    metadata.deletionTimestamp === undefined
      ? now
      : Date.parse(metadata.deletionTimestamp) - (before ?? 0) * 1000;
  const dying = {
    ...value,
    metadata: {
      ...metadata,
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
      deletionTimestamp: timestampOf(begun + grace * 1000),
      deletionGracePeriodSeconds: grace,
    },
  };
  return definition.whileDeleted?.(dying) ?? dying;
}

/**
 * Deletes an object: at once, or by telling those who look after it that it has to go.
 *
 * @throws StatusError 403, 404, 409
 */
export async function deleteObject(
  context: ApiContext,
  definition: ResourceDefinition,
  name: ObjectName,
  options: DeleteOptions = {},
): Promise<Deletion> {
  const key = objectKey(definition, name);
  for (let attempt = 1; ; attempt++) {
    const found = await context.store.get(key);
    if (found === undefined) throw notFound(definition, name.name);
    const object = objectOf(found);
    checkPreconditions(definition, object, options);
    const grace = definition.gracePeriod?.(object, options.gracePeriodSeconds) ?? 0;
    const gone = grace === 0 && (object.metadata.finalizers ?? []).length === 0;
    const dying = gone ? undefined : dyingObject(definition, found, { grace, now: context.now() });
    if ((!gone && dying === undefined) || options.dryRun === true) return { object, gone };
    const write: StoreWrite =
      dying === undefined
        ? { kind: 'delete', key, expected: found.revision }
        : { kind: 'update', key, value: dying, expected: found.revision };
    try {
      return { object: objectOf(await context.store.write(write)), gone };
    } catch (error) {
      if (!isHawserError(error, 'CONFLICT') || attempt === TRIES)
        throw storeFailure(error, definition, name.name);
    }
  }
}

/** What ends an object that nobody has to be waited for any more: finalizers still keep it. */
function finalWrite({ key, value, revision }: StoredObject): StoreWrite | undefined {
  const { finalizers = [], deletionGracePeriodSeconds } = value.metadata;
  if (finalizers.length === 0) return { kind: 'delete', key, expected: revision };
  if (deletionGracePeriodSeconds === 0) return undefined;
  const metadata = { ...value.metadata, deletionGracePeriodSeconds: 0 };
  return { kind: 'update', key, value: { ...value, metadata }, expected: revision };
}

/** Removes an object without asking anybody; harmless where it is gone or another has its name. */
export async function removeObject(
  { store }: ApiContext,
  definition: ResourceDefinition,
  { metadata }: ApiObject,
): Promise<void> {
  const key = objectKey(definition, { namespace: metadata.namespace, name: metadata.name });
  for (let attempt = 1; ; attempt++) {
    const found = await store.get(key);
    const write =
      found?.value.metadata.uid === metadata.uid && found !== undefined ? finalWrite(found) : undefined;
    if (write === undefined) return;
    try {
      await store.write(write);
      return;
    } catch (error) {
      if (isHawserError(error, 'NOT_FOUND')) return;
      if (!isHawserError(error, 'CONFLICT') || attempt === TRIES) throw error;
    }
  }
}
