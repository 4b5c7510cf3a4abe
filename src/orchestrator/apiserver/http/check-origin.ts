import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { StatusError } from '../../../api/status.ts';

function hostNameOf(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/**
 * Keeps web pages out. The API asks nobody who he is, and a pod may mount the host's root; so a page in a browser on this
 * machine must not be able to talk to it: neither across origins, nor by a domain that it points at 127.0.0.1 (DNS
 * rebinding). Browsers send Origin with every such request and the page's domain as Host; kubectl and hawser do neither.
 *
 * @throws StatusError 403
 */
export function checkOrigin({ headers }: IncomingMessage): void {
  const { host = '', origin } = headers;
  const name = hostNameOf(host);
  const isLocal = name === 'localhost' || isIP(name) !== 0;
  if (isLocal && (origin === undefined || origin === `http://${host}`)) return;
  const message = `requests from ${origin ?? host} are forbidden: the API is for this machine's own clients`;
  throw new StatusError(403, 'Forbidden', { message });
}
