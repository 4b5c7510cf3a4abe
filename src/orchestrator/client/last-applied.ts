import { goJson } from '../../api/go-json.ts';
import type { JsonObject, JsonValue } from '../../api/patch/json-value.ts';
import { objectField } from './manifest-object.ts';

/** kubectl's, so that either program may follow the other. */
export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as it is sent: it carries itself, so that the next apply knows what this one wanted. */
export function withLastApplied(value: JsonObject, namespace: string | undefined): JsonObject {
  const given = objectField(value, 'metadata');
  const { [lastApplied]: _, ...annotations } = objectField(given, 'annotations');
  const metadata: JsonObject = { ...given, annotations, ...(namespace === undefined ? {} : { namespace }) };
  const { status: _status, ...object } = value;
  // kubectl compares texts.
  const text = `${goJson({ ...object, metadata })}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: text } } };
}

/** What was applied last time; undefined where nobody knows. */
export function originalOf(current: JsonObject): JsonValue | undefined {
  const text = objectField(objectField(current, 'metadata'), 'annotations')[lastApplied];
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // somebody wrote something else there: as good as nothing
  }
}
