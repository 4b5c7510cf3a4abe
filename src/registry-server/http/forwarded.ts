/** What a client reached a registry through: its own address, and the scheme and host that it used. */
export interface Forwarded {
  readonly proto?: string;
  readonly host?: string;
  readonly for?: string;
}

const SIZE_LIMIT = 4096;
const parameter = /\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(;|,|$)/y;

/** The first element of a `Forwarded` header, nearest to the client: RFC 7239 section 4. Empty where it is malformed. */
export function parseForwarded(header: string): Forwarded {
  const found: Record<string, string> = {};
  const text = header.slice(0, SIZE_LIMIT);
  for (let at = 0; at < text.length; ) {
    parameter.lastIndex = at;
    const match = parameter.exec(text);
    if (match === null) return {};
    const [all, name = '', quoted, plain = '', end] = match;
    const key = name.toLowerCase();
    if (Object.hasOwn(found, key)) return {};
    found[key] = quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1');
    at += all.length;
    if (end === ',') break;
  }
  const { proto, host } = found;
  return {
    ...(proto === undefined ? {} : { proto }),
    ...(host === undefined ? {} : { host }),
    ...(found.for === undefined ? {} : { for: found.for }),
  };
}
