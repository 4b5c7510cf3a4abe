import { HawserError } from '../../errors/hawser-error.ts';
import type { StoredObject, StoreEvent, StoreWrite } from './object-store.ts';

/**
 * What a write comes to, given what is there: the rules that every store keeps.
 *
 * @throws HawserError ALREADY_EXISTS, NOT_FOUND, CONFLICT
 */
export function eventOfWrite(
  write: StoreWrite,
  present: StoredObject | undefined,
  revision: number,
): StoreEvent {
  const { key } = write;
  if (write.kind === 'create') {
    if (present !== undefined) throw new HawserError('ALREADY_EXISTS', `${key} is there already`);
    return { type: 'ADDED', object: { key, value: write.value, revision } };
  }
  if (present === undefined) throw new HawserError('NOT_FOUND', `${key} is not there`);
  if (present.revision !== write.expected) {
    throw new HawserError('CONFLICT', `${key} has revision ${present.revision}, not ${write.expected}`);
  }
  if (write.kind === 'update') {
    return { type: 'MODIFIED', object: { key, value: write.value, revision }, previous: present.value };
  }
  return { type: 'DELETED', object: { key, value: present.value, revision }, previous: present.value };
}
