import type { ApiObject } from '../../../api/object-meta.ts';
import { alreadyExists, conflict, notFound } from '../../../api/status.ts';
import { isHawserError } from '../../../errors/hawser-error.ts';
import type { StoredObject } from '../../store/object-store.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** Where an object is: its namespace (undefined for cluster-wide kinds) and its name. */
export interface ObjectName {
  readonly namespace: string | undefined;
  readonly name: string;
}

/** `/registry/pods/default/nginx`, as Kubernetes' etcd keys. */
export function objectKey({ resource }: ResourceDefinition, { namespace, name }: ObjectName): string {
  return namespace === undefined
    ? `/registry/${resource}/${name}`
    : `/registry/${resource}/${namespace}/${name}`;
}

export function keyPrefix({ resource }: ResourceDefinition, namespace: string | undefined): string {
  return namespace === undefined ? `/registry/${resource}/` : `/registry/${resource}/${namespace}/`;
}

/** An object as clients see it: the revision of its last write is its resourceVersion. */
export function withVersion<Item extends ApiObject>(value: Item, revision: number): Item {
  return { ...value, metadata: { ...value.metadata, resourceVersion: String(revision) } };
}

export function objectOf({ value, revision }: StoredObject): ApiObject {
  return withVersion(value, revision);
}

/** An object as it is stored. */
export function withoutVersion<Item extends ApiObject>(object: Item): Item {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** The API's answer for what a store refuses. */
export function storeFailure(error: unknown, definition: ResourceDefinition, name: string): unknown {
  if (isHawserError(error, 'ALREADY_EXISTS')) return alreadyExists(definition, name);
  if (isHawserError(error, 'NOT_FOUND')) return notFound(definition, name);
  if (isHawserError(error, 'CONFLICT')) return conflict(definition, name);
  return error;
}
