/*
 * The messages that kubectl writes in protobuf of what is served here: field numbers of k8s.io/api/core/v1/generated.proto
 * and k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto. All else it writes in JSON.
 */

export type FieldType = 'string' | 'integer' | 'boolean' | 'time' | 'map' | Message;

export interface MessageField {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated?: boolean;
  /** Of a field that may be left out in Go, a zero is a value; of others, it is none. */
  readonly optional?: boolean;
}

export type Message = ReadonlyMap<number, MessageField>;

const text = (name: string): MessageField => ({ name, type: 'string' });
const texts = (name: string): MessageField => ({ name, type: 'string', repeated: true });
const optional = (name: string, type: FieldType): MessageField => ({ name, type, optional: true });

const ownerReference: Message = new Map([
  [1, text('kind')],
  [3, text('name')],
  [4, text('uid')],
  [5, text('apiVersion')],
  [6, optional('controller', 'boolean')],
  [7, optional('blockOwnerDeletion', 'boolean')],
]);

const objectMeta: Message = new Map<number, MessageField>([
  [1, text('name')],
  [2, text('generateName')],
  [3, text('namespace')],
  [5, text('uid')],
  [6, text('resourceVersion')],
  [7, { name: 'generation', type: 'integer' }],
  [8, { name: 'creationTimestamp', type: 'time' }],
  [9, { name: 'deletionTimestamp', type: 'time' }],
  [10, optional('deletionGracePeriodSeconds', 'integer')],
  [11, { name: 'labels', type: 'map' }],
  [12, { name: 'annotations', type: 'map' }],
  [13, { name: 'ownerReferences', type: ownerReference, repeated: true }],
  [14, texts('finalizers')],
]);

const namespace: Message = new Map<number, MessageField>([
  [1, { name: 'metadata', type: objectMeta }],
  [2, { name: 'spec', type: new Map([[1, texts('finalizers')]]) }],
  [3, { name: 'status', type: new Map([[1, text('phase')]]) }],
]);

const preconditions: Message = new Map([
  [1, optional('uid', 'string')],
  [2, optional('resourceVersion', 'string')],
]);

const deleteOptions: Message = new Map<number, MessageField>([
  [1, optional('gracePeriodSeconds', 'integer')],
  [2, { name: 'preconditions', type: preconditions }],
  [3, optional('orphanDependents', 'boolean')],
  [4, optional('propagationPolicy', 'string')],
  [5, texts('dryRun')],
]);

/** By `apiVersion/kind`. */
export const messages: ReadonlyMap<string, Message> = new Map([
  ['v1/Namespace', namespace],
  ['v1/DeleteOptions', deleteOptions],
  ['meta.k8s.io/v1/DeleteOptions', deleteOptions],
]);
