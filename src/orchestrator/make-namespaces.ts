import { type Namespace, systemNamespaces } from '../api/namespace.ts';
import { StatusError } from '../api/status.ts';
import type { ApiContext } from './apiserver/api-context.ts';
import { createObject } from './apiserver/registry/create-object.ts';
import { namespaces } from './apiserver/resources/namespaces.ts';

/** The namespaces that every cluster has. */
export async function makeSystemNamespaces(context: ApiContext): Promise<void> {
  for (const name of systemNamespaces) {
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    try {
      await createObject(context, namespaces, namespace);
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.reason !== 'AlreadyExists') throw error;
    }
  }
}
