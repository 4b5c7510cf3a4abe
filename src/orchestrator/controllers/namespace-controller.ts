import type { Namespace } from '../../api/namespace.ts';
import { StatusError } from '../../api/status.ts';
import type { ApiContext } from '../apiserver/api-context.ts';
import { deleteObject, removeObject } from '../apiserver/registry/delete-object.ts';
import { listObjects } from '../apiserver/registry/read-objects.ts';
import { namespaces } from '../apiserver/resources/namespaces.ts';
import { type RunningLoop, startLoop } from './loop.ts';

/** Deletes what a namespace holds. @returns whether it is empty */
async function emptyNamespace(context: ApiContext, namespace: string): Promise<boolean> {
  let left = 0;
  for (const definition of context.resources.filter(({ namespaced }) => namespaced)) {
    for (const { metadata } of (await listObjects(context, definition, { namespace })).items) {
      if (metadata.deletionTimestamp !== undefined) {
        left++;
        continue;
      }
      try {
        const { gone } = await deleteObject(context, definition, { namespace, name: metadata.name });
        if (!gone) left++;
      } catch (error) {
        if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
      }
    }
  }
  return left === 0;
}

async function clearNamespaces(context: ApiContext): Promise<void> {
  const { items } = await listObjects(context, namespaces, { namespace: undefined });
  for (const item of items as readonly Namespace[]) {
    if (item.metadata.deletionTimestamp === undefined) continue;
    if (await emptyNamespace(context, item.metadata.name)) await removeObject(context, namespaces, item);
  }
}

/** Empties namespaces that are being deleted, and then removes them. */
export function startNamespaceController(context: ApiContext, log: (message: string) => void): RunningLoop {
  return startLoop({
    name: 'namespace controller',
    context,
    kinds: context.resources,
    log,
    work: () => clearNamespaces(context),
  });
}
