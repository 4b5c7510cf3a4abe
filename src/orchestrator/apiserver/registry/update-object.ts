import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../../../api/object-meta.ts';
import { badRequest, conflict, invalid, notFound } from '../../../api/status.ts';
import { isHawserError } from '../../../errors/hawser-error.ts';
import type { StoreWrite } from '../../store/object-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import {
  type ObjectName,
  objectKey,
  objectOf,
  storeFailure,
  withoutVersion,
  withVersion,
} from './object-keys.ts';

export interface ObjectUpdate {
  /**
   * The object as it shall be, from the one that is there. With a resourceVersion, it is held to that; without, the
   * change is made again where another writer was faster.
   */
  readonly change: (current: ApiObject) => ApiObject;
  /** Changes only the status; without it, everything but the status. */
  readonly subresource?: 'status' | undefined;
  readonly dryRun?: boolean;
}

interface WithParts extends ApiObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

const TRIES = 16;

function withStatus(object: WithParts, status: unknown): WithParts {
  const { status: _, ...rest } = object;
  return status === undefined ? rest : { ...rest, status };
}

/** The object to store: what clients may not change stays (apiserver, pkg/registry/rest/update.go BeforeUpdate). */
function nextObject(definition: ResourceDefinition, wanted: WithParts, current: WithParts): ApiObject {
  const { metadata: old } = current;
  const { deletionTimestamp: _time, deletionGracePeriodSeconds: _grace, ...given } = wanted.metadata;
  const kept = {
    ...(old.namespace === undefined ? {} : { namespace: old.namespace }),
    ...(old.uid === undefined ? {} : { uid: old.uid }),
    ...(old.creationTimestamp === undefined ? {} : { creationTimestamp: old.creationTimestamp }),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(old.deletionGracePeriodSeconds === undefined
      ? {}
      : { deletionGracePeriodSeconds: old.deletionGracePeriodSeconds }),
  };
  const metadata = { ...given, ...kept };
  const defaulted = definition.withDefaults({ ...wanted, metadata }) as WithParts;
  const hasStatus = definition.subresources.some(({ name }) => name === 'status');
  const next = hasStatus ? withStatus(defaulted, current.status) : defaulted;
  if (!definition.tracksGeneration) return next;
  const generation = (old.generation ?? 1) + (isDeepStrictEqual(next.spec, current.spec) ? 0 : 1);
  return { ...next, metadata: { ...next.metadata, generation } };
}

function checkIdentity(definition: ResourceDefinition, wanted: ApiObject, current: ApiObject): void {
  const { name, uid = '', resourceVersion = '' } = wanted.metadata;
  const { metadata } = current;
  if (name !== metadata.name) {
    throw badRequest(
      `the name of the object (${name ?? ''}) does not match the name on the URL (${metadata.name})`,
    );
  }
  if (uid !== '' && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`;
    throw conflict(definition, name, why);
  }
  if (resourceVersion !== '' && resourceVersion !== metadata.resourceVersion)
    throw conflict(definition, name);
}

function plannedObject(definition: ResourceDefinition, current: ApiObject, update: ObjectUpdate): ApiObject {
  const wanted = update.change(current) as WithParts;
  checkIdentity(definition, wanted, current);
  if (update.subresource === 'status') return withStatus(current, wanted.status);
  const next = withVersion(nextObject(definition, wanted, current), Number(current.metadata.resourceVersion));
  const causes = definition.validateUpdate(next, current);
  if (causes.length > 0) throw invalid(definition.kind, current.metadata.name, causes);
  return next;
}

/** Whether an object that is being deleted has lost its last finalizer, and nobody is waiting for its end. */
function mayGo({ metadata }: ApiObject, old: ApiObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (old.metadata.finalizers ?? []).length > 0 &&
    (metadata.finalizers ?? []).length === 0 &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  );
}

/**
 * Changes an object; a change that comes to nothing writes nothing.
 *
 * @throws StatusError 400, 404, 409, 422
 */
export async function updateObject(
  context: ApiContext,
  definition: ResourceDefinition,
  name: ObjectName,
  update: ObjectUpdate,
): Promise<ApiObject> {
  const key = objectKey(definition, name);
  for (let attempt = 1; ; attempt++) {
    const found = await context.store.get(key);
    if (found === undefined) throw notFound(definition, name.name);
    const current = objectOf(found);
    const next = plannedObject(definition, current, update);
    if (isDeepStrictEqual(next, current) || update.dryRun === true) return next;
    const value = withoutVersion(next);
    const write: StoreWrite = mayGo(next, current)
      ? { kind: 'delete', key, expected: found.revision }
      : { kind: 'update', key, value, expected: found.revision };
    try {
      return objectOf(await context.store.write(write));
    } catch (error) {
      if (!isHawserError(error, 'CONFLICT') || attempt === TRIES)
        throw storeFailure(error, definition, name.name);
    }
  }
}
