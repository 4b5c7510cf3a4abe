import { type Event, eventCells, eventColumns } from '../../../api/event.ts';
import { required } from '../../../api/validation/field-error.ts';
import { validateMetadata } from '../../../api/validation/validate-metadata.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

const validate = ({ metadata, involvedObject }: Event) => [
  ...validateMetadata(metadata, { namespaced: true }),
  ...(involvedObject === undefined ? [required('involvedObject')] : []),
];

export const events: ResourceDefinition<Event> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  resource: 'events',
  singular: 'event',
  namespaced: true,
  shortNames: ['ev'],
  categories: [],
  subresources: [],
  deletesCollections: true,
  tracksGeneration: false,
  columns: eventColumns,
  cells: eventCells,
  fields: ({ involvedObject: involved, reason, type, source, reportingComponent }) => ({
    'involvedObject.kind': involved.kind ?? '',
    'involvedObject.namespace': involved.namespace ?? '',
    'involvedObject.name': involved.name ?? '',
    'involvedObject.uid': involved.uid ?? '',
    'involvedObject.apiVersion': involved.apiVersion ?? '',
    'involvedObject.resourceVersion': involved.resourceVersion ?? '',
    'involvedObject.fieldPath': involved.fieldPath ?? '',
    reason: reason ?? '',
    reportingComponent: reportingComponent ?? '',
    source: source?.component ?? reportingComponent ?? '',
    type: type ?? '',
  }),
  withDefaults: event => event,
  initialize: event => event,
  validate,
  validateUpdate: validate,
};
