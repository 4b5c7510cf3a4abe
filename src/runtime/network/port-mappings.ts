import { isIP } from 'node:net';
import { HawserError } from '../../errors/hawser-error.ts';
import type { PortMapping } from '../container-types.ts';

function wrong(text: string, why: string): HawserError {
  return new HawserError('INVALID_ARGUMENT', `the port ${JSON.stringify(text)} is malformed: ${why}`, {
    remedy: 'Use [[IP:][HOSTPORT]:]PORT[/tcp|udp], e.g. 8080:80 or 127.0.0.1:8000-8005:8000-8005/udp.',
    exitCode: 125,
  });
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function parseRange(text: string, range: string): Range {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
  if (match === null) throw wrong(text, `${JSON.stringify(range)} is not a port`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last > 65_535 || first < 1) throw wrong(text, 'ports go from 1 to 65535');
  if (last < first) throw wrong(text, `${range} goes backwards`);
  return { first, last };
}

/** `IP`, host part and container part; an IPv6 address stands in brackets. */
function splitParts(text: string, body: string): { ip: string; host: string; container: string } {
  const bracketed = /^\[([^\]]*)\]:([^:]*):([^:]*)$/.exec(body);
  if (bracketed !== null) {
    return { ip: bracketed[1] ?? '', host: bracketed[2] ?? '', container: bracketed[3] ?? '' };
  }
  const parts = body.split(':');
  if (parts.length > 3) throw wrong(text, 'too many colons; write an IPv6 address in brackets');
  const [container = '', host = '', ip = ''] = parts.toReversed();
  return { ip, host, container };
}

/**
 * One `-p` value, as Docker reads it. A port without a host part gets a free one at the start (`hostPort` 0).
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parsePortMapping(text: string): readonly PortMapping[] {
  const [body = '', protocol = 'tcp', ...more] = text.split('/');
  const lower = protocol.toLowerCase();
  if (more.length > 0 || (lower !== 'tcp' && lower !== 'udp'))
    throw wrong(text, 'the protocol is tcp or udp');
  const { ip, host, container } = splitParts(text, body);
  if (ip !== '' && isIP(ip) === 0) throw wrong(text, `${JSON.stringify(ip)} is not an IP address`);
  const inside = parseRange(text, container);
  const length = inside.last - inside.first;
  const outside = host === '' ? undefined : parseRange(text, host);
  // Docker: a range on the host for one port takes any of them; the first is as good.
  if (outside !== undefined && outside.last - outside.first !== length && length !== 0) {
    throw wrong(text, 'both ranges must have the same length');
  }
  return Array.from({ length: length + 1 }, (_, index) => ({
    hostIP: ip,
    hostPort: outside === undefined ? 0 : outside.first + index,
    containerPort: inside.first + index,
    protocol: lower,
  }));
}

/** `8080->80/tcp` with the address before it, as `docker ps` shows it. */
export function formatPortMapping(port: PortMapping): string {
  const ip = port.hostIP === '' ? '0.0.0.0' : port.hostIP.includes(':') ? `[${port.hostIP}]` : port.hostIP;
  return `${ip}:${port.hostPort}->${port.containerPort}/${port.protocol}`;
}
