import { createHash } from 'node:crypto';
import { schemas } from '../../../api/schema/schemas.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiRequest, type ApiResponse, jsonResponse } from '../api-message.ts';
import { apiVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import { groupVersionsOf } from './discovery.ts';

function pathOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return `${definition.group === '' ? 'api' : 'apis'}/${apiVersionOf(definition)}`;
}

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(name => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

function operation(definition: ResourceDefinition, action: string): object {
  const { group, version, kind } = definition;
  return {
    responses: { '200': { description: 'OK' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  };
}

/** Where kubectl looks whether the server validates fields: the PATCH of a kind takes `fieldValidation`. */
function pathsOf(definition: ResourceDefinition): readonly (readonly [string, object])[] {
  const scope = definition.namespaced ? '/namespaces/{namespace}' : '';
  const collection = `/${pathOf(definition)}${scope}/${definition.resource}`;
  const write = (action: string) => ({ ...operation(definition, action), parameters: writeParameters });
  return [
    [collection, { get: operation(definition, 'list'), post: write('post') }],
    [
      `${collection}/{name}`,
      {
        get: operation(definition, 'get'),
        put: write('put'),
        patch: write('patch'),
        delete: operation(definition, 'delete'),
      },
    ],
  ];
}

function documentOf(resources: readonly ResourceDefinition[]): string {
  return JSON.stringify({
    openapi: '3.0.0',
    info: { title: 'hawser', version: 'v1' },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: { schemas },
  });
}

function hashOf(document: string): string {
  return createHash('sha256').update(document).digest('hex').toUpperCase();
}

/** `/openapi/v3`: which documents there are. */
export function handleOpenAPIRoot(context: ApiContext): ApiResponse {
  const paths = groupVersionsOf(context).map(groupVersion => {
    const path = pathOf(groupVersion);
    const hash = hashOf(documentOf(groupVersion.resources));
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return jsonResponse(200, { paths: Object.fromEntries(paths) });
}

/** `/openapi/v3/api/v1`; undefined where there is no such document. */
export function handleOpenAPIDocument(context: ApiContext, request: ApiRequest): ApiResponse | undefined {
  const path = request.path.slice('/openapi/v3/'.length);
  const found = groupVersionsOf(context).find(groupVersion => pathOf(groupVersion) === path);
  if (found === undefined) return undefined;
  const document = documentOf(found.resources);
  const etag = `"${hashOf(document)}"`;
  // Under its hash a document never changes: kubectl keeps it.
  const caching = request.query.has('hash') ? 'public, max-age=31536000, immutable' : 'no-cache, private';
  const headers = { 'Content-Type': 'application/json', ETag: etag, 'Cache-Control': caching };
  if (request.header('if-none-match') === etag) return { status: 304, headers, body: '' };
  return { status: 200, headers, body: document };
}
