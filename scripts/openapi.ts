// Writes src/api/schema/core-v1.json: the OpenAPI 3.0 schemas of the kinds that hawser serves, with their descriptions,
// from the models of @kubernetes/client-node. Run: npm run schemas

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { Schema } from '../src/api/schema/schema.ts';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

interface Model {
  readonly attributeTypeMap: readonly Attribute[];
}

const roots = ['Pod', 'PodList', 'Namespace', 'NamespaceList', 'Node', 'NodeList', 'Event', 'EventList'];
const metaRoots = ['Status', 'DeleteOptions'];

/** Classes of apimachinery, pkg/apis/meta/v1; all others belong to core/v1. */
const metaClasses = new Set([
  'ObjectMeta', 'ListMeta', 'OwnerReference', 'ManagedFieldsEntry', 'Status', 'StatusDetails', 'StatusCause',
  'DeleteOptions', 'Preconditions', 'LabelSelector', 'LabelSelectorRequirement', 'ShardInfo', 'MicroTime',
]); // biome-ignore format: a list

/** Fields whose values are quantities; the models call them strings. */
const quantityFields = new Set([
  'limits', 'requests', 'capacity', 'allocatable', 'allocatedResources', 'overhead', 'sizeLimit', 'divisor',
]); // biome-ignore format: a list

/** Merge keys of lists, which the models lack: kubernetes, staging/src/k8s.io/api/core/v1/types.go, patchMergeKey. */
const mergeKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Container: { env: 'name', ports: 'containerPort', volumeDevices: 'devicePath', volumeMounts: 'mountPath' },
  EphemeralContainer: {
    env: 'name',
    ports: 'containerPort',
    volumeDevices: 'devicePath',
    volumeMounts: 'mountPath',
  },
  PodSpec: {
    containers: 'name',
    initContainers: 'name',
    ephemeralContainers: 'name',
    imagePullSecrets: 'name',
    resourceClaims: 'name',
    schedulingGates: 'name',
    volumes: 'name',
    hostAliases: 'ip',
    topologySpreadConstraints: 'topologyKey',
  },
  PodStatus: { conditions: 'type', podIPs: 'ip', hostIPs: 'ip', resourceClaimStatuses: 'name' },
  NodeSpec: { podCIDRs: '' },
  NodeStatus: { addresses: 'type', conditions: 'type' },
  NamespaceStatus: { conditions: 'type' },
  ObjectMeta: { finalizers: '', ownerReferences: 'uid' },
};
const retainKeys: Readonly<Record<string, readonly string[]>> = { PodSpec: ['volumes', 'resourceClaims'] };

const models = new URL('gen/models/', import.meta.resolve('@kubernetes/client-node'));

function classOf(name: string): string {
  return name.replace(/^(?:CoreV1|V1)/, '');
}

function schemaName(name: string): string {
  const own = classOf(name);
  return metaClasses.has(own) ? `io.k8s.apimachinery.pkg.apis.meta.v1.${own}` : `io.k8s.api.core.v1.${own}`;
}

function modelName(own: string): string {
  return ['Event', 'EventList', 'EventSeries', 'ResourceClaim'].includes(own) ? `CoreV1${own}` : `V1${own}`;
}

const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const time = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time';

const simple: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  Date: refTo(time),
  IntOrString: refTo(intOrString),
  any: { type: 'object' },
};

function typeSchema(type: string, format: string, isQuantity: boolean): Schema {
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) return { type: 'array', items: typeSchema(list, format, isQuantity) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) return { type: 'object', additionalProperties: typeSchema(map, format, isQuantity) };
  if (type === 'number') return { type: format === 'double' ? 'number' : 'integer', format };
  if (isQuantity && type === 'string') return refTo(quantity);
  return simple[type] ?? refTo(schemaName(type));
}

/** Descriptions and whether a field is optional stand only in the declarations. */
function declarationsOf(name: string) {
  const text = readFileSync(new URL(`${name}.d.ts`, models), 'utf8');
  const clean = (comment: string | undefined) =>
    comment
      ?.split('\n')
      .map(line => line.replace(/^\s*\*\s?/, ''))
      .join('\n')
      .replaceAll(/\\(['"`])/g, '$1')
      .trim();
  const description = clean(/\/\*\*\n\* ([\s\S]*?)\n\*\/\nexport declare class/.exec(text)?.[1]);
  const fields = new Map<string, { readonly optional: boolean; readonly description: string | undefined }>();
  for (const [, comment, field = '', mark] of text.matchAll(
    /(?: {4}\/\*\*\n([\s\S]*?) {4}\*\/\n)? {4}'([^']+)'(\??):/g,
  ))
    fields.set(field, { optional: mark === '?', description: clean(comment) });
  return { description, fields };
}

function propertySchema(own: string, attribute: Attribute, description: string | undefined): Schema {
  const { baseName, type, format } = attribute;
  const schema = typeSchema(type, format, quantityFields.has(baseName));
  const key = mergeKeys[own]?.[baseName];
  const strategy = retainKeys[own]?.includes(baseName) === true ? 'merge,retainKeys' : 'merge';
  const merge: Schema =
    key === undefined
      ? {}
      : {
          ...(key === '' ? {} : { 'x-kubernetes-patch-merge-key': key }),
          'x-kubernetes-patch-strategy': strategy,
        };
  const text = description === undefined ? {} : { description };
  // A $ref takes nothing beside it in OpenAPI 3.0: Kubernetes wraps it.
  if (schema.$ref !== undefined) return description === undefined ? schema : { ...text, allOf: [schema] };
  return { ...text, ...schema, ...merge };
}

const schemas: Record<string, Schema> = {
  [quantity]: {
    description:
      'Quantity is a fixed-point representation of a number, e.g. 500m, 64Mi or 1e3 (suffixes n u m k M G T P E and Ki Mi Gi Ti Pi Ei).',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  [intOrString]: {
    description: 'IntOrString is a number or a text, e.g. the number or the name of a port.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  [time]: { description: 'Time is an RFC 3339 time in whole seconds.', type: 'string', format: 'date-time' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': {
    description: 'MicroTime is an RFC 3339 time in microseconds.',
    type: 'string',
    format: 'date-time',
  },
};

const topLevel = new Set([...roots, 'Status']);

async function addModel(name: string): Promise<void> {
  if (schemas[schemaName(name)] !== undefined) return;
  const own = classOf(name);
  const module = (await import(new URL(`${name}.js`, models).href)) as Record<string, Model>;
  const attributes = module[name]?.attributeTypeMap ?? [];
  const { description, fields } = declarationsOf(name);
  const required = attributes.flatMap(({ baseName }) =>
    fields.get(baseName)?.optional === false ? [baseName] : [],
  );
  const properties = attributes.map(attribute => {
    const text = fields.get(attribute.baseName)?.description;
    return [attribute.baseName, propertySchema(own, attribute, text)] as const;
  });
  schemas[schemaName(name)] = {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(properties),
    ...(topLevel.has(own)
      ? { 'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: own }] }
      : {}),
  };
  const used = attributes.flatMap(({ type }) => type.match(/\b(?:CoreV1|V1)\w+/g) ?? []);
  for (const next of used) await addModel(next);
}

async function schemasText(): Promise<string> {
  for (const own of [...roots, ...metaRoots]) await addModel(modelName(own));
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

const target = new URL('../src/api/schema/core-v1.json', import.meta.url);

/** Whether core-v1.json holds what the models say. */
export async function areSchemasCurrent(): Promise<boolean> {
  return (await readFile(target, 'utf8')) === (await schemasText());
}

if (process.argv[1]?.endsWith('openapi.ts') === true) await writeFile(target, await schemasText());
