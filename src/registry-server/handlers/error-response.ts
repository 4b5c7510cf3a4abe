import { formatErrorBody, isWireErrorCode, statusOfErrorCode } from '../../distribution/errors.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import type { RegistryResponse } from '../registry-message.ts';

interface WireAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** Insufficient Storage, RFC 4918 section 11.5: unlike 503, it does not invite clients to try again at once. */
const STATUS_NO_SPACE = 507;

const STATUS_TOO_MANY = 429;
/** Seconds. */
const RETRY_AFTER = '30';

function answerOf(error: unknown): WireAnswer {
  if (!(error instanceof HawserError)) {
    // What the system said stays in the log: it may name paths.
    const code = systemErrorCode(error);
    return {
      status: 500,
      code: 'UNKNOWN',
      message: `the registry failed${code === undefined ? '' : ` (${code})`}`,
    };
  }
  const { code, message, detail } = error;
  if (isWireErrorCode(code)) return { status: statusOfErrorCode(code), code, message, detail };
  switch (code) {
    case 'NO_SPACE':
      return { status: STATUS_NO_SPACE, code: 'UNAVAILABLE', message: "the registry's disk is full" };
    case 'PERMISSION_DENIED':
      return { status: 503, code: 'UNAVAILABLE', message: "the registry's volume cannot be written to" };
    case 'ABORTED':
      return { status: 400, code: 'BLOB_UPLOAD_INVALID', message: 'the request was cut off' };
    default:
      return { status: 500, code: 'UNKNOWN', message: 'the registry failed' };
  }
}

/** The answer to a request that failed: distribution-spec 1.1 section "Error Codes". */
export function errorResponse(
  error: unknown,
  headers: RegistryResponse['headers'] = {},
  status?: number,
): RegistryResponse {
  const answer = answerOf(error);
  const { code, message, detail } = answer;
  return {
    status: status ?? answer.status,
    headers: {
      'Content-Type': 'application/json',
      ...(answer.status === STATUS_TOO_MANY ? { 'Retry-After': RETRY_AFTER } : {}),
      ...headers,
    },
    body: formatErrorBody([{ code, message, ...(detail === undefined ? {} : { detail }) }]),
  };
}
