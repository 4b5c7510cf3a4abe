import { randomUUID } from 'node:crypto';
import type { Namespace } from '../../../api/namespace.ts';
import type { ApiObject } from '../../../api/object-meta.ts';
import { alreadyExists, badRequest, forbidden, invalid } from '../../../api/status.ts';
import { timestampOf } from '../../../api/timestamp.ts';
import { isHawserError } from '../../../errors/hawser-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { namespaces } from '../resources/namespaces.ts';
import { generateName } from './generate-name.ts';
import { objectKey, objectOf, storeFailure } from './object-keys.ts';
import { getObject } from './read-objects.ts';

const GENERATE_TRIES = 8;

/** @throws StatusError 404 where there is no such namespace, 403 where it is being deleted */
async function checkNamespace(context: ApiContext, definition: ResourceDefinition, object: ApiObject) {
  const { namespace = '', name } = object.metadata;
  const found = (await getObject(context, namespaces, {
    namespace: undefined,
    name: namespace,
  })) as Namespace;
  if (found.status?.phase !== 'Terminating') return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(definition, name, why);
}

function newObject(context: ApiContext, definition: ResourceDefinition, object: ApiObject): ApiObject {
  const { generateName: base = '' } = object.metadata;
  const {
    deletionTimestamp: _time,
    deletionGracePeriodSeconds: _grace,
    resourceVersion = '',
    ...given
  } = object.metadata;
  if (resourceVersion !== '') throw badRequest('resourceVersion should not be set on objects to be created');
  const name = (given.name ?? '') === '' && base !== '' ? generateName(base) : given.name;
  const metadata = {
    ...given,
    name,
    uid: randomUUID(),
    creationTimestamp: timestampOf(context.now()),
    ...(definition.tracksGeneration ? { generation: 1 } : {}),
  };
  return definition.initialize(definition.withDefaults({ ...object, metadata }));
}

/**
 * Stores a new object with its defaults.
 *
 * @param object Decoded, with its namespace.
 * @throws StatusError 400, 403, 404 (namespace), 409, 422
 */
export async function createObject(
  context: ApiContext,
  definition: ResourceDefinition,
  object: ApiObject,
  options: { readonly dryRun?: boolean } = {},
): Promise<ApiObject> {
  const generated = (object.metadata.name ?? '') === '';
  for (let attempt = 1; ; attempt++) {
    const value = newObject(context, definition, object);
    const { name, namespace } = value.metadata;
    const causes = definition.validate(value);
    if (causes.length > 0) throw invalid(definition.kind, name ?? '', causes);
    if (definition.namespaced) await checkNamespace(context, definition, value);
    const key = objectKey(definition, { namespace, name });
    if (options.dryRun === true) {
      if ((await context.store.get(key)) !== undefined) throw alreadyExists(definition, name);
      return value;
    }
    try {
      return objectOf(await context.store.write({ kind: 'create', key, value }));
    } catch (error) {
      const taken = isHawserError(error, 'ALREADY_EXISTS');
      if (!taken || !generated || attempt === GENERATE_TRIES) throw storeFailure(error, definition, name);
    }
  }
}
