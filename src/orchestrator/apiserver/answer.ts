import { badRequest, StatusError } from '../../api/status.ts';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import { hawserVersion } from '../../util/version.ts';
import type { ApiContext } from './api-context.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from './api-message.ts';
import {
  groupVersionsOf,
  handleCoreVersions,
  handleGroups,
  handleResourceList,
} from './handlers/discovery.ts';
import { handleLog } from './handlers/log-handler.ts';
import { handleOpenAPIDocument, handleOpenAPIRoot } from './handlers/openapi.ts';
import { handlePatch } from './handlers/patch-handler.ts';
import { handleGet, handleList } from './handlers/read-handlers.ts';
import { booleanQuery, type ResourceRequest } from './handlers/resource-request.ts';
import { handleWatch } from './handlers/watch-handler.ts';
import {
  handleCreate,
  handleDelete,
  handleDeleteCollection,
  handleUpdate,
} from './handlers/write-handlers.ts';
import { parseGroupVersion, parseRoute } from './parse-route.ts';
import type { PodLogSource } from './pod-logs.ts';

export interface ApiServerParts {
  readonly context: ApiContext;
  readonly logs: PodLogSource;
  /** Told of what is our fault. */
  readonly onFailure: (error: unknown) => void;
}

type Handler = (context: ApiContext, resource: ResourceRequest) => Promise<ApiResponse>;

const collectionHandlers: Readonly<Record<string, Handler>> = {
  GET: (context, resource) => {
    // A watch of one object is a watch of its collection: kubectl asks so.
    return booleanQuery(resource.request, 'watch')
      ? handleWatch(context, resource)
      : handleList(context, resource);
  },
  POST: handleCreate,
  DELETE: handleDeleteCollection,
};
const objectHandlers: Readonly<Record<string, Handler>> = {
  GET: handleGet,
  PUT: handleUpdate,
  PATCH: handlePatch,
  DELETE: handleDelete,
};
const statusHandlers: Readonly<Record<string, Handler>> = {
  GET: handleGet,
  PUT: handleUpdate,
  PATCH: handlePatch,
};

function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError(405, 'MethodNotAllowed', { message });
}

function pathUnknown(): StatusError {
  return new StatusError(404, 'NotFound', { message: 'the server could not find the requested resource' });
}

/** What kubectl compares itself with: the Kubernetes whose API this is. */
function versionResponse(): ApiResponse {
  return jsonResponse(200, {
    major: '1',
    minor: '33',
    gitVersion: `v1.33.0+hawser-${hawserVersion}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: `${process.platform}/${process.arch}`,
  });
}

const plainHandlers: Readonly<Record<string, (context: ApiContext, request: ApiRequest) => ApiResponse>> = {
  '/version': versionResponse,
  '/healthz': () => textResponse(200, 'ok'),
  '/readyz': () => textResponse(200, 'ok'),
  '/livez': () => textResponse(200, 'ok'),
  '/api': handleCoreVersions,
  '/apis': handleGroups,
  '/openapi/v3': handleOpenAPIRoot,
};

function handlersOf({ name, subresource }: ResourceRequest): Readonly<Record<string, Handler>> {
  if (name === undefined) return collectionHandlers;
  return subresource === 'status' ? statusHandlers : objectHandlers;
}

/** Of a collection, only what lies in one namespace is deleted at once. */
function mayDelete({ definition, name, namespace }: ResourceRequest): boolean {
  if (name !== undefined) return true;
  return definition.deletesCollections && (!definition.namespaced || namespace !== undefined);
}

async function answerResource(parts: ApiServerParts, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, subresource, definition, name } = resource;
  if (subresource !== undefined && !definition.subresources.some(own => own.name === subresource))
    throw pathUnknown();
  if (subresource === 'log') {
    if (request.method !== 'GET') throw methodNotAllowed();
    return handleLog(parts.context, resource, parts.logs);
  }
  const handler = handlersOf(resource)[request.method];
  if (handler === undefined || (request.method === 'DELETE' && !mayDelete(resource)))
    throw methodNotAllowed();
  if (request.method === 'POST' && definition.namespaced && resource.namespace === undefined)
    throw name === undefined
      ? badRequest('an empty namespace may not be set during creation')
      : methodNotAllowed();
  return handler(parts.context, resource);
}

async function answerRequest(parts: ApiServerParts, request: ApiRequest): Promise<ApiResponse> {
  const { context } = parts;
  const route = parseRoute(request.path, context.resources);
  if (route !== undefined) return answerResource(parts, { request, ...route });
  if (request.method !== 'GET' && request.method !== 'HEAD') throw pathUnknown();
  const plain = Object.hasOwn(plainHandlers, request.path) ? plainHandlers[request.path] : undefined;
  if (plain !== undefined) return plain(context, request);
  if (request.path.startsWith('/openapi/v3/')) {
    const document = handleOpenAPIDocument(context, request);
    if (document !== undefined) return document;
  }
  const parsed = parseGroupVersion(request.path);
  const found = groupVersionsOf(context).find(
    ({ group, version }) => parsed?.group === group && parsed.version === version,
  );
  if (found !== undefined && parsed?.rest.length === 0) return handleResourceList(found);
  throw pathUnknown();
}

/** The answer to a request; failures are answers too. */
export async function answer(parts: ApiServerParts, request: ApiRequest): Promise<ApiResponse> {
  try {
    return await answerRequest(parts, request);
  } catch (error) {
    if (error instanceof StatusError) return jsonResponse(error.status.code, error.status);
    const message = messageOf(error);
    if (isHawserError(error, 'ABORTED')) {
      return jsonResponse(503, new StatusError(503, 'ServiceUnavailable', { message }).status);
    }
    parts.onFailure(error);
    return jsonResponse(500, new StatusError(500, 'InternalError', { message }).status);
  }
}
