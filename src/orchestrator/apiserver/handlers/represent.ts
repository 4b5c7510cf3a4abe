import type { ApiObject } from '../../../api/object-meta.ts';
import type { Table, TableRow } from '../../../api/table.ts';
import type { ApiRequest } from '../api-message.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** In which form the client wants objects. */
export interface Representation {
  readonly table: boolean;
  /** Of tables: what each row carries. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

export function representationOf(request: ApiRequest): Representation {
  const accepted = (request.header('accept') ?? '').split(',');
  const usable = accepted.find(type => /^\s*(application\/json|\*\/\*)/.test(type)) ?? '';
  const include = request.query.get('includeObject');
  return {
    table: /;\s*as=Table/.test(usable) && /;\s*g=meta\.k8s\.io/.test(usable),
    includeObject: include === 'None' || include === 'Object' ? include : 'Metadata',
  };
}

function rowOf(
  definition: ResourceDefinition,
  object: ApiObject,
  options: Representation & { readonly now: number },
): TableRow {
  const cells = definition.cells(object, options.now);
  if (options.includeObject === 'None') return { cells };
  if (options.includeObject === 'Object') return { cells, object };
  const { metadata } = object;
  return {
    cells,
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata },
  };
}

/** Objects as the table that `kubectl get` prints. */
export function tableOf(
  definition: ResourceDefinition,
  objects: readonly ApiObject[],
  options: Representation & {
    readonly now: number;
    readonly metadata: Table['metadata'];
    /** Later events of a watch leave the columns out. */
    readonly columns?: boolean;
  },
): Table {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.columns === false ? [] : definition.columns,
    rows: objects.map(object => rowOf(definition, object, options)),
  };
}

/** An object in the form that the client wants. */
export function representObject(
  definition: ResourceDefinition,
  object: ApiObject,
  options: Representation & { readonly now: number; readonly columns?: boolean },
): object {
  if (!options.table) return object;
  const { resourceVersion } = object.metadata;
  return tableOf(definition, [object], {
    ...options,
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
  });
}
