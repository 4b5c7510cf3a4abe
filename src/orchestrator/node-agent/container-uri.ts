const scheme = 'hawser://';

/** As the CRI names containers of this engine. */
export function containerURI(id: string): string {
  return `${scheme}${id}`;
}

export function containerIDOf(uri: string): string {
  return uri.startsWith(scheme) ? uri.slice(scheme.length) : uri;
}
