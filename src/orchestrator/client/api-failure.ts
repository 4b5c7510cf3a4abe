import type { Status } from '../../api/status.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import { HawserError } from '../../errors/hawser-error.ts';

const codes: ReadonlyMap<string | undefined, ErrorCode> = new Map([
  ['NotFound', 'NOT_FOUND'],
  ['AlreadyExists', 'ALREADY_EXISTS'],
  ['Conflict', 'CONFLICT'],
  ['Forbidden', 'CONFLICT'],
  ['Invalid', 'OBJECT_INVALID'],
  ['BadRequest', 'OBJECT_INVALID'],
]);

/** What the server has refused, with its Status as the detail. */
export class ApiFailure extends HawserError {
  readonly status: Status;

  constructor(status: Status) {
    super(codes.get(status.reason) ?? 'UNAVAILABLE', status.message ?? 'the pod API refused the request', {
      detail: status,
    });
    this.status = status;
  }
}

export function isApiFailure(error: unknown, reason: string): error is ApiFailure {
  return error instanceof ApiFailure && error.status.reason === reason;
}
