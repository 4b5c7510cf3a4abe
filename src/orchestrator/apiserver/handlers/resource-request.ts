import { parseFieldSelector, parseLabelSelector } from '../../../api/selectors.ts';
import { badRequest } from '../../../api/status.ts';
import type { ApiRequest } from '../api-message.ts';
import type { Selection } from '../registry/read-objects.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** A request for objects of one kind, cut into its parts. */
export interface ResourceRequest {
  readonly request: ApiRequest;
  readonly definition: ResourceDefinition;
  /** Undefined for all of them, and for cluster-wide kinds. */
  readonly namespace: string | undefined;
  /** Undefined for the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** @throws StatusError 400 */
export function integerQuery({ query }: ApiRequest, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw badRequest(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return value;
}

export function booleanQuery({ query }: ApiRequest, name: string): boolean {
  const value = query.get(name);
  return value === '' || value === 'true' || value === '1';
}

/** @throws StatusError 400 */
export function isDryRun({ query }: ApiRequest): boolean {
  const values = query.getAll('dryRun').filter(value => value !== '');
  const wrong = values.find(value => value !== 'All');
  if (wrong !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`);
  return values.length > 0;
}

/** What of a collection the client wants to see. @throws StatusError 400 */
export function selectionOf({ request, definition, namespace }: ResourceRequest): Selection {
  const labels = request.query.get('labelSelector') ?? '';
  const fields = request.query.get('fieldSelector') ?? '';
  const empty = { apiVersion: '', kind: '', metadata: { name: '' }, spec: {}, involvedObject: {} };
  const known = [...Object.keys(definition.fields(empty)), 'metadata.name', 'metadata.namespace'];
  return {
    namespace,
    labels: labels === '' ? undefined : parseLabelSelector(labels),
    fields: fields === '' ? undefined : parseFieldSelector(fields, known),
  };
}
