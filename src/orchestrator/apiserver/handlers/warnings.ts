import type { ApiResponse } from '../api-message.ts';

/** RFC 7234, section 5.5: kubectl prints each of them. */
export function warningHeaders(warnings: readonly string[]): ApiResponse['headers'] {
  if (warnings.length === 0) return {};
  // A header takes no line breaks and only ASCII.
  const safe = warnings.map(text => JSON.stringify(text.replaceAll(/[^ -~]/g, '?')));
  return { Warning: safe.map(text => `299 - ${text}`) };
}
