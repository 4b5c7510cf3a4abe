import { badRequest, expired, StatusError } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiResponse, jsonResponse } from '../api-message.ts';
import { getObject, listObjects } from '../registry/read-objects.ts';
import { apiVersionOf } from '../resource-definition.ts';
import { representationOf, representObject, tableOf } from './represent.ts';
import { integerQuery, type ResourceRequest, selectionOf } from './resource-request.ts';

export async function handleGet(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request, namespace, name = '' } = resource;
  const object = await getObject(context, definition, { namespace, name });
  const form = { ...representationOf(request), now: context.now() };
  return jsonResponse(200, representObject(definition, object, form));
}

/**
 * The revision that the client wants to see at least, or exactly; only the present one is kept.
 *
 * @throws StatusError 400, 410, 504
 */
function checkRevision({ request }: ResourceRequest, revision: number): void {
  const wanted = integerQuery(request, 'resourceVersion');
  if (wanted === undefined || wanted === 0) return;
  if (wanted > revision) {
    const cause = 'Too large resource version';
    throw new StatusError(504, 'Timeout', {
      message: `${cause}: ${wanted}, current: ${revision}`,
      // By this, clients know that they have to list without one.
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: cause, field: '' }],
        retryAfterSeconds: 1,
      },
    });
  }
  if (request.query.get('resourceVersionMatch') === 'Exact' && wanted !== revision)
    throw expired(`The provided resource version, ${wanted}, is no longer kept`);
}

export async function handleList(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request } = resource;
  const limit = integerQuery(request, 'limit') ?? 0;
  if (limit < 0) throw badRequest('limit must not be negative');
  const token = request.query.get('continue') ?? '';
  const page = await listObjects(context, definition, {
    ...selectionOf(resource),
    limit: limit === 0 ? undefined : limit,
    continue: token === '' ? undefined : token,
  });
  if (token === '') checkRevision(resource, page.revision);
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue, remainingItemCount: page.remaining }),
  };
  const form = representationOf(request);
  if (form.table) {
    return jsonResponse(200, tableOf(definition, page.items, { ...form, metadata, now: context.now() }));
  }
  const { kind } = definition;
  const list = { kind: `${kind}List`, apiVersion: apiVersionOf(definition), metadata, items: page.items };
  return jsonResponse(200, list);
}
