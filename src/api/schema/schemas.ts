import coreV1 from './core-v1.json' with { type: 'json' };
import type { GroupVersionKind, Schema } from './schema.ts';

/** Every schema by its name, e.g. `io.k8s.api.core.v1.Pod`. */
export const schemas: Readonly<Record<string, Schema>> = coreV1 as Readonly<Record<string, Schema>>;

const prefix = '#/components/schemas/';

/** The schema that a reference stands for; others as they are. */
export function resolveSchema(schema: Schema): Schema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference === undefined) return schema;
  return schemas[reference.slice(prefix.length)] ?? {};
}

/** The name of the schema that a field refers to, e.g. `io.k8s.api.core.v1.PodSpec`. */
export function referenceOf(schema: Schema): string | undefined {
  return (schema.$ref ?? schema.allOf?.[0]?.$ref)?.slice(prefix.length);
}

/** The schema of a kind that is served; undefined for others. */
export function schemaOfKind({ group, version, kind }: GroupVersionKind): Schema | undefined {
  return Object.values(schemas).find(schema =>
    schema['x-kubernetes-group-version-kind']?.some(
      own => own.group === group && own.version === version && own.kind === kind,
    ),
  );
}
