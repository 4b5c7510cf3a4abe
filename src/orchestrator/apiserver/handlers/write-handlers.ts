import type { ApiObject } from '../../../api/object-meta.ts';
import { badRequest, StatusError } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiResponse, jsonResponse } from '../api-message.ts';
import { createObject } from '../registry/create-object.ts';
import { type Deletion, deleteObject } from '../registry/delete-object.ts';
import { listObjects } from '../registry/read-objects.ts';
import { updateObject } from '../registry/update-object.ts';
import { apiVersionOf } from '../resource-definition.ts';
import { decodeResource, fieldValidationOf, parseBody } from './decode-body.ts';
import { deleteOptionsOf } from './delete-options.ts';
import { representationOf, representObject } from './represent.ts';
import { isDryRun, type ResourceRequest, selectionOf } from './resource-request.ts';
import { warningHeaders } from './warnings.ts';

/** The answer with an object that was written, and what the client ought to know about it. */
export function writtenResponse(
  context: ApiContext,
  resource: ResourceRequest,
  written: { readonly status: number; readonly object: ApiObject; readonly warnings: readonly string[] },
): ApiResponse {
  const { definition, request } = resource;
  const form = { ...representationOf(request), now: context.now() };
  const warnings = [...written.warnings, ...(definition.warnings?.(written.object) ?? [])];
  return jsonResponse(
    written.status,
    representObject(definition, written.object, form),
    warningHeaders(warnings),
  );
}

/** The object in the namespace of the URL. @throws StatusError 400 */
function inNamespace({ namespace }: ResourceRequest, object: ApiObject): ApiObject {
  if (namespace === undefined) return object;
  const own = object.metadata.namespace ?? '';
  if (own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, metadata: { ...object.metadata, namespace } };
}

export async function handleCreate(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request } = resource;
  const dryRun = isDryRun(request);
  const { object, warnings } = decodeResource(
    definition,
    await parseBody(request),
    fieldValidationOf(request),
  );
  const created = await createObject(context, definition, inNamespace(resource, object), { dryRun });
  return writtenResponse(context, resource, { status: 201, object: created, warnings });
}

export function statusOnly(resource: ResourceRequest): 'status' | undefined {
  return resource.subresource === 'status' ? 'status' : undefined;
}

export async function handleUpdate(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request, namespace, name = '' } = resource;
  const dryRun = isDryRun(request);
  const { object, warnings } = decodeResource(
    definition,
    await parseBody(request),
    fieldValidationOf(request),
  );
  const wanted = inNamespace(resource, object);
  const updated = await updateObject(
    context,
    definition,
    { namespace, name },
    { change: () => wanted, subresource: statusOnly(resource), dryRun },
  );
  return writtenResponse(context, resource, { status: 200, object: updated, warnings });
}

function deletionAnswer({ definition }: ResourceRequest, { object, gone }: Deletion): object {
  if (!gone || definition.gracePeriod !== undefined) return object;
  const { name, uid } = object.metadata;
  const group = definition.group === '' ? {} : { group: definition.group };
  const details = { name, ...group, kind: definition.resource, ...(uid === undefined ? {} : { uid }) };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

export async function handleDelete(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, namespace, name = '' } = resource;
  const options = await deleteOptionsOf(resource);
  const deletion = await deleteObject(context, definition, { namespace, name }, options);
  return jsonResponse(200, deletionAnswer(resource, deletion));
}

export async function handleDeleteCollection(
  context: ApiContext,
  resource: ResourceRequest,
): Promise<ApiResponse> {
  const { definition } = resource;
  const { preconditions: _, ...options } = await deleteOptionsOf(resource);
  const { items, revision } = await listObjects(context, definition, selectionOf(resource));
  const deleted: ApiObject[] = [];
  for (const { metadata } of items) {
    const name = { namespace: metadata.namespace, name: metadata.name };
    try {
      deleted.push((await deleteObject(context, definition, name, options)).object);
    } catch (error) {
      // Gone since it was listed: that is what was wanted.
      if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
    }
  }
  const metadata = { resourceVersion: String(revision) };
  return jsonResponse(200, {
    kind: `${definition.kind}List`,
    apiVersion: apiVersionOf(definition),
    metadata,
    items: deleted,
  });
}
