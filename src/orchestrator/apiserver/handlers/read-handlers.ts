import { badRequest } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiResponse, jsonResponse } from '../api-message.ts';
import { getObject, listObjects } from '../registry/read-objects.ts';
import { representationOf, representObject, tableOf } from './represent.ts';
import { integerQuery, type ResourceRequest, selectionOf } from './resource-request.ts';

export async function handleGet(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request, namespace, name = '' } = resource;
  const object = await getObject(context, definition, { namespace, name });
  const form = { ...representationOf(request), now: context.now() };
  return jsonResponse(200, representObject(definition, object, form));
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
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue, remainingItemCount: page.remaining }),
  };
  const form = representationOf(request);
  if (form.table) {
    return jsonResponse(200, tableOf(definition, page.items, { ...form, metadata, now: context.now() }));
  }
  const apiVersion =
    definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
  return jsonResponse(200, { kind: `${definition.kind}List`, apiVersion, metadata, items: page.items });
}
