import { ageOf } from './human-duration.ts';
import type { ApiObject } from './object-meta.ts';
import { columnsOf, type TableCell } from './table.ts';

/** core/v1 Namespace */
export interface Namespace extends ApiObject {
  readonly kind: 'Namespace';
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}

/** Made at the start, and not to be deleted but for the last one. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export const namespaceColumns = columnsOf('Name', 'Status', 'Age');

export function namespaceCells({ metadata, status }: Namespace, now: number): readonly TableCell[] {
  return [metadata.name, status?.phase ?? '', ageOf(metadata.creationTimestamp, now)];
}
