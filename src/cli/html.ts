export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** JSON inside a script element, which nothing in a text may end. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** Of a page that is whole in itself: it may ask nobody for anything. */
export const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
