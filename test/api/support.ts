import { decodeObject } from '../../src/api/decode.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '../../src/api/pod.ts';
import { schemaOfKind } from '../../src/api/schema/schemas.ts';
import { type Status, type StatusCause, StatusError } from '../../src/api/status.ts';

/** The schema of a kind of core/v1. */
export function coreSchema(kind: string) {
  const schema = schemaOfKind({ group: '', version: 'v1', kind });
  if (schema === undefined) throw new Error(`there is no schema of ${kind}`);
  return schema;
}

/** A pod as it comes out of JSON. */
export function podOf(spec: object, more: object = {}): Pod {
  const metadata = { name: 'a', namespace: 'default' };
  const value = { apiVersion: 'v1', kind: 'Pod', metadata, spec, ...more };
  return decodeObject(coreSchema('Pod'), value, 'Pod').value as Pod;
}

export const container: Container = { name: 'a', image: 'a:1' };

export function podWith(status: PodStatus, spec: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default' },
    spec: { containers: [container], ...spec },
    status,
  };
}

/** Of a container that runs, unless told otherwise. */
export function statusOf(change: Partial<ContainerStatus> = {}): ContainerStatus {
  return {
    name: 'a',
    image: 'a:1',
    imageID: '',
    ready: change.state === undefined,
    restartCount: 0,
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
    lastState: {},
    ...change,
  };
}

/** `field: message` of each cause, as a client prints them. */
export function textsOf(causes: readonly StatusCause[]): readonly string[] {
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** The Status that `action` is refused with. */
export function statusThrownBy(action: () => unknown): Status {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error('nothing was refused');
}
