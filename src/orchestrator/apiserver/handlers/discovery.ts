import { createHash } from 'node:crypto';
import type { ApiContext } from '../api-context.ts';
import { type ApiRequest, type ApiResponse, jsonResponse } from '../api-message.ts';
import { apiVersionOf, type ResourceDefinition, verbsOf } from '../resource-definition.ts';

/* Kubernetes, "The Kubernetes API", discovery: the aggregated form and the one before it. */

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ResourceDefinition[];
}

export function groupVersionsOf({ resources }: ApiContext): readonly GroupVersion[] {
  const found = new Map<string, GroupVersion>();
  for (const definition of resources) {
    const { group, version } = definition;
    const key = `${group}/${version}`;
    const before = found.get(key)?.resources ?? [];
    found.set(key, { group, version, resources: [...before, definition] });
  }
  return [...found.values()];
}

function kindOf({ group, version, kind }: ResourceDefinition) {
  return { group, version, kind };
}

function optionalLists({ shortNames, categories }: ResourceDefinition) {
  return {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

function aggregatedResource(definition: ResourceDefinition): object {
  const { subresources } = definition;
  return {
    resource: definition.resource,
    responseKind: kindOf(definition),
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: verbsOf(definition),
    ...optionalLists(definition),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, verbs }) => ({
            subresource: name,
            responseKind: kindOf(definition),
            verbs,
          })),
        }),
  };
}

function aggregated(groups: readonly GroupVersion[]): ApiResponse {
  const names = [...new Set(groups.map(({ group }) => group))];
  const items = names.map(name => ({
    metadata: name === '' ? { creationTimestamp: null } : { name, creationTimestamp: null },
    versions: groups
      .filter(({ group }) => group === name)
      .map(({ version, resources }) => ({
        version,
        freshness: 'Current',
        resources: resources.map(aggregatedResource),
      })),
  }));
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return jsonResponse(200, list, { 'Content-Type': AGGREGATED });
}

function wantsAggregated(request: ApiRequest): boolean {
  const accepted = (request.header('accept') ?? '').replaceAll(' ', '');
  return accepted.includes('g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
}

/** `/api` */
export function handleCoreVersions(context: ApiContext, request: ApiRequest): ApiResponse {
  const groups = groupVersionsOf(context).filter(({ group }) => group === '');
  if (wantsAggregated(request)) return aggregated(groups);
  return jsonResponse(200, { kind: 'APIVersions', versions: groups.map(({ version }) => version) });
}

/** `/apis` */
export function handleGroups(context: ApiContext, request: ApiRequest): ApiResponse {
  const groups = groupVersionsOf(context).filter(({ group }) => group !== '');
  if (wantsAggregated(request)) return aggregated(groups);
  const listed = groups.map(({ group, version }) => {
    const versionOf = { groupVersion: `${group}/${version}`, version };
    return { name: group, versions: [versionOf], preferredVersion: versionOf };
  });
  return jsonResponse(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: listed });
}

function storageVersionHash({ group, version, kind }: ResourceDefinition): string {
  return createHash('sha256')
    .update(`${group}/${version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

function legacyResources(definition: ResourceDefinition): readonly object[] {
  const { resource, singular, namespaced, kind, subresources } = definition;
  return [
    {
      name: resource,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(definition),
      ...optionalLists(definition),
      storageVersionHash: storageVersionHash(definition),
    },
    ...subresources.map(({ name, verbs }) => ({
      name: `${resource}/${name}`,
      singularName: '',
      namespaced,
      kind,
      verbs,
    })),
  ];
}

/** `/api/v1` and `/apis/GROUP/VERSION` */
export function handleResourceList(groupVersion: GroupVersion): ApiResponse {
  return jsonResponse(200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(groupVersion),
    resources: groupVersion.resources.flatMap(legacyResources),
  });
}
