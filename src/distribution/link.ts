const linkPattern = /<([^>]*)>((?:\s*;(?:"[^"]*"|[^",;])*)*)/g;
const parameterPattern = /;\s*([^\s=;"]+)\s*=\s*(?:"([^"]*)"|([^\s;"]*))/g;

/** The target of `rel="next"` in a `Link` header: RFC 8288; distribution-spec 1.1 "Listing tags". */
export function parseNextLink(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').slice(0, 8192).matchAll(linkPattern)) {
    for (const [, name = '', quoted, plain = ''] of parameters.matchAll(parameterPattern)) {
      const relations = (quoted ?? plain).toLowerCase().split(/\s+/);
      if (name.toLowerCase() === 'rel' && relations.includes('next')) return target;
    }
  }
  return undefined;
}

export function formatNextLink(target: string): string {
  return `<${target}>; rel="next"`;
}
