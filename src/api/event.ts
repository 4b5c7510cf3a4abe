import { ageOf, humanDuration } from './human-duration.ts';
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
  const { involvedObject: involved, source, metadata } = event;
  const first = event.firstTimestamp ?? metadata.creationTimestamp;
  const count = event.count ?? 1;
  const seen = ageOf(event.lastTimestamp ?? first, now);
  const over = humanDuration(now - Date.parse(first ?? ''));
  const origin = [source?.component, source?.host].filter(part => part !== undefined).join(', ');
  return [
    count > 1 ? `${seen} (x${count} over ${over})` : seen,
    event.type ?? '',
    event.reason ?? '',
    `${(involved.kind ?? '').toLowerCase()}/${involved.name ?? ''}`,
    involved.fieldPath ?? '',
    origin,
    (event.message ?? '').trim(),
    ageOf(first, now),
    String(count),
    metadata.name,
  ];
}
