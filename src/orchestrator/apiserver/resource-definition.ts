import type { ApiObject } from '../../api/object-meta.ts';
import type { StatusCause } from '../../api/status.ts';
import type { ColumnDefinition, TableCell } from '../../api/table.ts';

/**
 * A kind that is served, as data: everything else (verbs, discovery, OpenAPI, tables, watches) follows from it. A new kind
 * is a new value in `resources/served-resources.ts`.
 */
export interface ResourceDefinition<Item extends ApiObject = ApiObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, e.g. `pods`. */
  readonly resource: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** `all` for those that `kubectl get all` shows. */
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceDefinition[];
  /** Whether one request may delete all that a namespace has of it. */
  readonly deletesCollections: boolean;
  /** Whether `metadata.generation` counts the changes of the spec. */
  readonly tracksGeneration: boolean;
  readonly columns: readonly ColumnDefinition[];
  cells(object: Item, now: number): readonly TableCell[];
  /** What field selectors can see, besides `metadata.name` and `metadata.namespace`. */
  fields(object: Item): Readonly<Record<string, string>>;
  /** The object with its defaults. */
  withDefaults(object: Item): Item;
  /** A new object as it begins: with the status of one that nobody has looked after yet. */
  initialize(object: Item): Item;
  validate(object: Item): readonly StatusCause[];
  validateUpdate(object: Item, old: Item): readonly StatusCause[];
  /** Told by the Warning header. */
  warnings?(object: Item): readonly string[];
  /** Why an object may not be deleted. */
  forbidsDeletion?(object: Item): string | undefined;
  /**
   * Seconds until the object may go; somebody else (node agent, controller) removes it then. 0: at once.
   *
   * @param wanted As the client asked for.
   */
  gracePeriod?(object: Item, wanted: number | undefined): number;
  /** How the object looks while it is being deleted. */
  whileDeleted?(object: Item): Item;
}

export interface SubresourceDefinition {
  /** e.g. `status` */
  readonly name: string;
  readonly verbs: readonly ResourceVerb[];
}

export type ResourceVerb =
  | 'create'
  | 'delete'
  | 'deletecollection'
  | 'get'
  | 'list'
  | 'patch'
  | 'update'
  | 'watch';

const resourceVerbs: readonly ResourceVerb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export function verbsOf({ deletesCollections }: ResourceDefinition): readonly ResourceVerb[] {
  return resourceVerbs.filter(verb => deletesCollections || verb !== 'deletecollection');
}

/** `v1`, `apps/v1` */
export function apiVersionOf({ group, version }: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}
