import type { ErrorCode } from '../errors/codes.ts';
import { HawserError } from '../errors/hawser-error.ts';

/**
 * HTTP status of each error code that goes over the wire: distribution-spec 1.1 section "Error Codes", and the codes that
 * registry:2 adds (RANGE_INVALID, TAG_INVALID, PAGINATION_NUMBER_INVALID, UNAVAILABLE).
 */
const statuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  RANGE_INVALID: 416,
  TAG_INVALID: 400,
  PAGINATION_NUMBER_INVALID: 400,
  UNAVAILABLE: 503,
} as const satisfies Partial<Record<ErrorCode, number>>;

export type WireErrorCode = keyof typeof statuses;

export function isWireErrorCode(code: string): code is WireErrorCode {
  return Object.hasOwn(statuses, code);
}

export function statusOfErrorCode(code: WireErrorCode): number {
  return statuses[code];
}

/** One entry of an error body. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** `{"errors":[{code,message,detail}]}` */
export function formatErrorBody(errors: readonly WireError[]): string {
  return JSON.stringify({ errors });
}

/** The errors of a body; none where it is not the specification's JSON, as proxies on the way write HTML. */
export function parseErrorBody(text: string): WireError[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: the caller tells the status instead.
    return [];
  }
  const list: unknown =
    typeof body === 'object' && body !== null && 'errors' in body ? body.errors : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown): WireError[] => {
    if (typeof entry !== 'object' || entry === null || !('code' in entry)) return [];
    const { code } = entry;
    if (typeof code !== 'string' && typeof code !== 'number') return [];
    const message = 'message' in entry && typeof entry.message === 'string' ? entry.message : '';
    return [{ code: String(code), message, ...('detail' in entry ? { detail: entry.detail } : {}) }];
  });
}

const codesByStatus: Readonly<Record<number, WireErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  405: 'UNSUPPORTED',
  413: 'SIZE_INVALID',
  416: 'RANGE_INVALID',
  429: 'TOOMANYREQUESTS',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

export interface FailedAnswer {
  readonly status: number;
  /** The body, as far as it was read. */
  readonly body: string;
  /** What was asked for, e.g. `GET http://localhost:5000/v2/a/manifests/b`. */
  readonly request: string;
  /** What a 404 without a body means here. */
  readonly notFound?: WireErrorCode;
}

/** The error that a client raises for an answer that it did not want. */
export function errorOfAnswer(answer: FailedAnswer): HawserError {
  const errors = parseErrorBody(answer.body);
  const first = errors[0];
  const byStatus = answer.status === 404 ? answer.notFound : codesByStatus[answer.status];
  const code =
    first !== undefined && isWireErrorCode(first.code) ? first.code : (byStatus ?? 'REGISTRY_ERROR');
  const texts = errors.map(({ code, message }) => (message === '' ? code : message));
  const said = texts.length > 0 ? texts.join('; ') : `status ${answer.status}`;
  return new HawserError(code, `${answer.request}: ${said}`, { detail: { status: answer.status, errors } });
}
