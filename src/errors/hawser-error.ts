import type { ErrorCode } from './codes.ts';

/** A place in a text that the user wrote; line and column count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  /** Last line of the range, where it spans several. */
  readonly endLine?: number;
  /** First column after the range on its first line. */
  readonly endColumn?: number;
  /** The source lines to show, the first of them being `line`. */
  readonly excerpt?: readonly string[];
}

export interface HawserErrorOptions {
  readonly cause?: unknown;
  /** The next step for this very case; the general one of the code table when left out. */
  readonly remedy?: string | undefined;
  readonly location?: SourceLocation;
  /** Machine-readable extra facts, e.g. the `detail` of a registry error. */
  readonly detail?: unknown;
  /** Overrides the exit code of the code table. */
  readonly exitCode?: number;
}

/** The one error class. The message says the action and quotes the value; the remedy stands apart. */
export class HawserError extends Error {
  override readonly name = 'HawserError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly location: SourceLocation | undefined;
  readonly detail: unknown;
  readonly exitCode: number | undefined;

  constructor(code: ErrorCode, message: string, options: HawserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.location = options.location;
    this.detail = options.detail;
    this.exitCode = options.exitCode;
  }
}

/**
 * Whether `error` is a HawserError, with `code` where one is given. By name and not by class: when run from source, a
 * module may be loaded twice, by `require` and by `import()`.
 */
export function isHawserError(error: unknown, code?: ErrorCode): error is HawserError {
  if (!(error instanceof Error) || error.name !== 'HawserError') return false;
  return code === undefined || (error as HawserError).code === code;
}

/** The `code` of a Node system error (`ENOENT`, …), undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
