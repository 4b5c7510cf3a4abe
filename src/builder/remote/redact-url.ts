/** A URL, or a text with URLs in it, without the passwords in it. */
export function redactUrl(text: string): string {
  return text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)([^/@\s]*)@/gi, (_, scheme: string, user: string) => {
    const colon = user.indexOf(':');
    return `${scheme}${colon < 0 ? user : `${user.slice(0, colon)}:xxxxx`}@`;
  });
}
