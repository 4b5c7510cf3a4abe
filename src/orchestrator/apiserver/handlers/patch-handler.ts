import type { ApiObject } from '../../../api/object-meta.ts';
import { applyJsonPatch } from '../../../api/patch/json-patch.ts';
import type { JsonValue } from '../../../api/patch/json-value.ts';
import { applyMergePatch } from '../../../api/patch/merge-patch.ts';
import { applyStrategicMerge } from '../../../api/patch/strategic-merge.ts';
import type { Schema } from '../../../api/schema/schema.ts';
import { schemaOfKind } from '../../../api/schema/schemas.ts';
import { badRequest, StatusError } from '../../../api/status.ts';
import { messageOf } from '../../../errors/hawser-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiResponse } from '../api-message.ts';
import { updateObject } from '../registry/update-object.ts';
import { decodeResource, fieldValidationOf, mediaTypeOf, unsupportedMediaType } from './decode-body.ts';
import { isDryRun, type ResourceRequest } from './resource-request.ts';
import { statusOnly, writtenResponse } from './write-handlers.ts';

type Patcher = (target: JsonValue, patch: JsonValue, schema: Schema | undefined) => JsonValue;

const patchers: Readonly<Record<string, Patcher>> = {
  'application/json-patch+json': applyJsonPatch,
  'application/merge-patch+json': applyMergePatch,
  'application/strategic-merge-patch+json': applyStrategicMerge,
};

/** @throws StatusError 415 */
function patcherOf(type: string): Patcher {
  const patcher = Object.hasOwn(patchers, type) ? patchers[type] : undefined;
  if (patcher !== undefined) return patcher;
  if (!type.startsWith('application/apply-patch')) throw unsupportedMediaType(Object.keys(patchers));
  const message = 'server-side apply is not offered: use kubectl apply without --server-side';
  throw new StatusError(415, 'UnsupportedMediaType', { message });
}

export async function handlePatch(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { definition, request, namespace, name = '' } = resource;
  const patcher = patcherOf(mediaTypeOf(request));
  const validation = fieldValidationOf(request);
  const dryRun = isDryRun(request);
  let patch: JsonValue;
  try {
    patch = JSON.parse(Buffer.from(await request.body()).toString()) as JsonValue;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`error decoding patch: ${messageOf(error)}`);
  }
  const { group, version, kind } = definition;
  const schema = schemaOfKind({ group, version, kind });
  let warnings: readonly string[] = [];
  const change = (current: ApiObject) => {
    const patched = patcher(current as unknown as JsonValue, patch, schema);
    const decoded = decodeResource(definition, { value: patched, duplicates: [] }, validation);
    warnings = decoded.warnings;
    return decoded.object;
  };
  const options = { change, subresource: statusOnly(resource), dryRun };
  const object = await updateObject(context, definition, { namespace, name }, options);
  return writtenResponse(context, resource, { status: 200, object, warnings });
}
