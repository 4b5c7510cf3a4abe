import { ageOf } from './human-duration.ts';
import type { ApiObject } from './object-meta.ts';
import { columnsOf, type TableCell } from './table.ts';

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** e.g. `spec.containers{nginx}` */
  readonly fieldPath?: string;
}

/** core/v1 Event */
export interface Event extends ApiObject {
  readonly kind: 'Event';
  readonly involvedObject: ObjectReference;
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly source?: { readonly component?: string; readonly host?: string };
  /** RFC 3339 */
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly count?: number;
  /** Of those that write events the newer way (events.k8s.io): RFC 3339 with microseconds. */
  readonly eventTime?: string;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
}

export const eventColumns = columnsOf(
  'Last Seen',
  'Type',
  'Reason',
  'Object',
  '*Subobject',
  '*Source',
  'Message',
  '*First Seen',
  '*Count',
  '*Name',
);

/** kubernetes, pkg/printers/internalversion/printers.go, printEvent. */
export function eventCells(event: Event, now: number): readonly TableCell[] {
  const { involvedObject: involved, source, metadata, series } = event;
  const first = event.firstTimestamp ?? event.eventTime ?? metadata.creationTimestamp;
  const last = series?.lastObservedTime ?? event.lastTimestamp ?? first;
  const kind = (involved.kind ?? '').toLowerCase();
  const name = involved.name ?? '';
  const origin = [source?.component ?? event.reportingComponent, source?.host ?? event.reportingInstance];
  return [
    ageOf(last, now),
    event.type ?? '',
    event.reason ?? '',
    name === '' ? kind : `${kind}/${name}`,
    involved.fieldPath ?? '',
    origin.filter(part => part !== undefined && part !== '').join(', '),
    (event.message ?? '').trim(),
    ageOf(first, now),
    series?.count ?? event.count ?? 1,
    metadata.name,
  ];
}
