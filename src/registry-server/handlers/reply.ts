import { HawserError } from '../../errors/hawser-error.ts';
import type { RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';

type Headers = RegistryResponse['headers'];

/** An answer without a body. */
export function empty(status: number, headers: Headers = {}): RegistryResponse {
  return { status, headers };
}

export function json(status: number, value: unknown, headers: Headers = {}): RegistryResponse {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** A path of this registry with all that is in front of it; a path alone where the client named no host. */
export function absoluteURL(request: RegistryRequest, context: RequestContext, path: string): string {
  if (context.externalURL !== undefined) return context.externalURL + path;
  return `${request.origin ?? ''}${context.prefix}${path}`;
}

/** A path of this registry as a Location. */
export function locationOf(request: RegistryRequest, context: RequestContext, path: string): string {
  return context.relativeURLs ? context.prefix + path : absoluteURL(request, context, path);
}

/** The parameters behind `?`. */
export function queryOf(request: RegistryRequest): URLSearchParams {
  const mark = request.url.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : request.url.slice(mark + 1));
}

/** Whether the client has what the ETag stands for; RFC 9110 section 13.1.2. */
export function isNotModified(request: RegistryRequest, etag: string): boolean {
  const known = request.header('if-none-match');
  if (known === undefined) return false;
  return known.split(',').some(each => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag);
}

/** @throws HawserError UNSUPPORTED when the registry does not delete (CVE-2026-41888: every way to delete asks here) */
export function requireDeletes(context: RequestContext): void {
  if (context.deleteEnabled) return;
  throw new HawserError('UNSUPPORTED', 'deleting is switched off at this registry');
}

/** `n` of a page; undefined where it is left out. @throws HawserError PAGINATION_NUMBER_INVALID */
export function pageSizeOf(query: URLSearchParams): number | undefined {
  const text = query.get('n');
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new HawserError(
      'PAGINATION_NUMBER_INVALID',
      `invalid page size ${JSON.stringify(text.slice(0, 40))}`,
      {
        detail: { n: text.slice(0, 40) },
      },
    );
  }
  return Number(text);
}

/** A `Warning` header: distribution-spec 1.1 "Warnings". @param text Without quotes and backslashes. */
export function formatWarning(text: string): string {
  return `299 - "${text.replaceAll(/[^ -~]|["\\]/g, ' ').slice(0, 1000)}"`;
}
