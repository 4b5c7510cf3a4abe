import { formatChallenge } from '../distribution/challenge.ts';
import { parseRoute, type Route } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { isRefusal, unlimitedGrant } from './auth/authenticator.ts';
import { deleteBlob, getBlob } from './handlers/blob-handlers.ts';
import { errorResponse } from './handlers/error-response.ts';
import { listCatalog, listReferrers, listTags } from './handlers/list-handlers.ts';
import { deleteManifest, getManifest } from './handlers/manifest-handlers.ts';
import { putManifest } from './handlers/put-manifest.ts';
import { json } from './handlers/reply.ts';
import {
  appendToUpload,
  cancelUpload,
  endUpload,
  getUpload,
  startUpload,
} from './handlers/upload-handlers.ts';
import type { RegistryContext, RequestContext } from './registry-context.ts';
import type { RegistryRequest, RegistryResponse } from './registry-message.ts';
import { requiredAccess } from './required-access.ts';
import { parseUploadID } from './storage/upload-id.ts';

type Handler = () => Promise<RegistryResponse> | RegistryResponse;
type Handlers = Readonly<Partial<Record<string, Handler>>>;

/** The handlers of a route by method, bound to what the route names. */
function handlersOf(context: RequestContext, route: Route): Handlers {
  const { request } = context;
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

const greeting = 'This is a container registry. Its API is at /v2/, its repositories at /v2/_catalog.\n';

function nothingAt(path: string): RegistryResponse {
  return errorResponse(
    new HawserError('NAME_UNKNOWN', `there is nothing at ${JSON.stringify(path.slice(0, 300))}`),
  );
}

/** The path below the prefix of the registry; undefined for another path. */
function below(path: string, prefix: string): string | undefined {
  if (prefix === '') return path;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
  return path === prefix ? '/' : path.slice(prefix.length);
}

async function respond(request: RegistryRequest, registry: RegistryContext): Promise<RegistryResponse> {
  const [problem] = registry.problems;
  if (problem !== undefined) {
    return errorResponse(new HawserError('UNAVAILABLE', `the registry is not well: ${problem[0]}`));
  }
  const whole = pathOf(request.url);
  const path = below(whole, registry.prefix);
  if (path === '/') {
    return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: greeting };
  }
  const route = path === undefined ? undefined : parseRoute(path);
  if (route === undefined) return nothingAt(whole);
  const outcome =
    (await registry.authenticator?.authenticate(request, requiredAccess(route, request.method))) ??
    unlimitedGrant();
  if (isRefusal(outcome)) {
    const { challenge, message } = outcome;
    const detail = requiredAccess(route, request.method);
    const error = new HawserError('UNAUTHORIZED', message, { detail });
    return errorResponse(error, { 'WWW-Authenticate': formatChallenge(challenge) });
  }
  return await dispatch({ ...registry, request, grant: outcome }, route);
}

async function dispatch(context: RequestContext, route: Route): Promise<RegistryResponse> {
  const { method } = context.request;
  if (context.readOnly && method !== 'GET' && method !== 'HEAD') {
    return errorResponse(new HawserError('UNSUPPORTED', 'the registry is read-only'), { Allow: 'GET, HEAD' });
  }
  if (context.proxy !== undefined && method !== 'GET' && method !== 'HEAD') {
    const refusal = new HawserError('UNSUPPORTED', 'the registry is a cache of another one: push there');
    return errorResponse(refusal, { Allow: 'GET, HEAD' });
  }
  const handlers = handlersOf(context, route);
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (handler !== undefined) return await handler();
  const error = new HawserError('UNSUPPORTED', `${method} is not supported here`);
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
    response = await respond(request, context);
  } catch (error) {
    response = errorResponse(error);
    if (response.status >= 500) onFailure(error);
  }
  return { ...response, headers: { ...commonHeaders, ...context.headers, ...response.headers } };
}
