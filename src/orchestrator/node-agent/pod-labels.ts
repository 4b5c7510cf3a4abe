import type { RuntimeContainer } from './pod-runtime.ts';

/* What the agent must know after a restart lies in the containers' labels, named as the kubelet names them. */

export const podUIDLabel = 'io.kubernetes.pod.uid';
export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const containerNameLabel = 'io.kubernetes.container.name';
export const restartCountLabel = 'io.kubernetes.container.restartCount';
/** Of the fields that restart a container when they change. */
export const containerHashLabel = 'io.kubernetes.container.hash';
/** The sandbox whose namespaces a container has joined. */
export const sandboxIDLabel = 'io.kubernetes.sandbox.id';
/** Seconds: for containers whose pod object is gone. */
export const gracePeriodLabel = 'io.kubernetes.pod.terminationGracePeriod';

export function restartCountOf(container: RuntimeContainer): number {
  const count = Number(container.labels[restartCountLabel]);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}
