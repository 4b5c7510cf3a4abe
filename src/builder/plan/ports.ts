/** `80`, `8000-8010/udp`, and the deprecated `[ip:]public:private`: what EXPOSE takes, as `port/protocol` each. */
export function parsePorts(text: string): readonly string[] | undefined {
  const spec = text.slice(text.lastIndexOf(':') + 1);
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]*))?$/i.exec(spec);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  const protocol = (match[3] ?? '').toLowerCase() || 'tcp';
  if (last < first || last > 65_535 || !['tcp', 'udp', 'sctp'].includes(protocol)) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
