import { parseRoute, type Route } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { deleteBlob, getBlob } from './handlers/blob-handlers.ts';
import { errorResponse } from './handlers/error-response.ts';
import { listCatalog, listReferrers, listTags } from './handlers/list-handlers.ts';
import { deleteManifest, getManifest, putManifest } from './handlers/manifest-handlers.ts';
import { json } from './handlers/reply.ts';
import {
  appendToUpload,
  cancelUpload,
  endUpload,
  getUpload,
  startUpload,
} from './handlers/upload-handlers.ts';
import type { RegistryContext } from './registry-context.ts';
import type { RegistryRequest, RegistryResponse } from './registry-message.ts';
import { parseUploadID } from './storage/upload-id.ts';

type Handler = () => Promise<RegistryResponse> | RegistryResponse;
type Handlers = Readonly<Partial<Record<string, Handler>>>;

/** The handlers of a route by method, bound to what the route names. */
function handlersOf(request: RegistryRequest, context: RegistryContext, route: Route): Handlers {
  switch (route.kind) {
    case 'base': {
      const ping = () => json(200, {});
      return { GET: ping, HEAD: ping };
    }
    case 'catalog':
      return { GET: () => listCatalog(request, context) };
    case 'tags':
      return { GET: () => listTags(request, context, route) };
    case 'referrers':
      return { GET: () => listReferrers(request, context, route) };
    case 'blob': {
      const get = () => getBlob(request, context, route);
      return { GET: get, HEAD: get, DELETE: () => deleteBlob(request, context, route) };
    }
    case 'manifest': {
      const get = () => getManifest(request, context, route);
      return {
        GET: get,
        HEAD: get,
        PUT: () => putManifest(request, context, route),
        DELETE: () => deleteManifest(request, context, route),
      };
    }
    case 'uploads':
      return { POST: () => startUpload(request, context, route) };
    case 'upload': {
      const key = { name: route.name, id: parseUploadID(route.uuid) };
      return {
        GET: () => getUpload(request, context, key),
        PATCH: () => appendToUpload(request, context, key),
        PUT: () => endUpload(request, context, key),
        DELETE: () => cancelUpload(request, context, key),
      };
    }
  }
}

/** The path of a URL, percent-decoded. An encoded slash would make one name look like another: it is refused. */
function pathOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  try {
    if (!/%2f/i.test(path)) return decodeURIComponent(path);
  } catch (error) {
    throw new HawserError('NAME_INVALID', `invalid path ${JSON.stringify(path.slice(0, 300))}`, {
      cause: error,
    });
  }
  throw new HawserError('NAME_INVALID', `encoded slash in the path ${JSON.stringify(path.slice(0, 300))}`);
}

async function route(request: RegistryRequest, context: RegistryContext): Promise<RegistryResponse> {
  const path = pathOf(request.url);
  if (path === '/') {
    const body = 'This is a container registry. Its API is at /v2/, its repositories at /v2/_catalog.\n';
    return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
  }
  const parsed = parseRoute(path);
  if (parsed === undefined) {
    const error = new HawserError(
      'NAME_UNKNOWN',
      `there is nothing at ${JSON.stringify(path.slice(0, 300))}`,
    );
    return errorResponse(error);
  }
  const handlers = handlersOf(request, context, parsed);
  const handler = Object.hasOwn(handlers, request.method) ? handlers[request.method] : undefined;
  if (handler !== undefined) return await handler();
  const error = new HawserError('UNSUPPORTED', `${request.method} is not supported here`);
  return errorResponse(error, { Allow: Object.keys(handlers).join(', ') });
}

const commonHeaders = {
  'Docker-Distribution-Api-Version': 'registry/2.0',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Answers one request of the distribution API (distribution-spec 1.1 and its development head); never throws.
 *
 * @param onFailure Told of every error that is the registry's own fault.
 */
export async function answer(
  request: RegistryRequest,
  context: RegistryContext,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<RegistryResponse> {
  let response: RegistryResponse;
  try {
    response = await route(request, context);
  } catch (error) {
    response = errorResponse(error);
    if (response.status >= 500) onFailure(error);
  }
  return { ...response, headers: { ...commonHeaders, ...response.headers } };
}
