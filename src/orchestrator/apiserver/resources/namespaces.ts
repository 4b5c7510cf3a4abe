import { wrongLabelName } from '../../../api/names.ts';
import {
  type Namespace,
  namespaceCells,
  namespaceColumns,
  systemNamespaces,
} from '../../../api/namespace.ts';
import { validateMetadata } from '../../../api/validation/validate-metadata.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

const validate = ({ metadata }: Namespace) =>
  validateMetadata(metadata, { namespaced: false, wrongName: wrongLabelName });

export const namespaces: ResourceDefinition<Namespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  resource: 'namespaces',
  singular: 'namespace',
  namespaced: false,
  shortNames: ['ns'],
  categories: [],
  subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }],
  deletesCollections: false,
  tracksGeneration: false,
  columns: namespaceColumns,
  cells: namespaceCells,
  fields: ({ status }) => ({ 'status.phase': status?.phase ?? '' }),
  withDefaults: namespace => ({
    ...namespace,
    metadata: {
      ...namespace.metadata,
      labels: { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name },
    },
  }),
  initialize: namespace => ({
    ...namespace,
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  validate,
  validateUpdate: validate,
  // kube-node-lease is made anew at every start, as in Kubernetes.
  forbidsDeletion: ({ metadata }) =>
    systemNamespaces.slice(0, 3).some(name => name === metadata.name)
      ? 'this namespace may not be deleted'
      : undefined,
  // The namespace controller removes it when it is empty; the client's wish does not count.
  gracePeriod: () => 1,
  whileDeleted: namespace => ({ ...namespace, status: { phase: 'Terminating' } }),
};
