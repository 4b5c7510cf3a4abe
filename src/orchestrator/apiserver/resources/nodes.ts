import { type Node, nodeCells, nodeColumns } from '../../../api/node.ts';
import { validateMetadata } from '../../../api/validation/validate-metadata.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

const validate = ({ metadata }: Node) => validateMetadata(metadata, { namespaced: false });

export const nodes: ResourceDefinition<Node> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  resource: 'nodes',
  singular: 'node',
  namespaced: false,
  shortNames: ['no'],
  categories: [],
  subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }],
  deletesCollections: true,
  tracksGeneration: false,
  columns: nodeColumns,
  cells: nodeCells,
  fields: ({ spec }) => ({ 'spec.unschedulable': String(spec?.unschedulable === true) }),
  withDefaults: node => ({ ...node, spec: node.spec ?? {} }),
  initialize: node => node,
  validate,
  validateUpdate: validate,
};
