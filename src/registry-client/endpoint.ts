import { HawserError } from '../errors/hawser-error.ts';

/** Where Docker Hub's registry really is. */
const hosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** Whether a host (with or without a port) is this machine itself: plain http is safe there. */
export function isLoopbackHost(domain: string): boolean {
  const host = domain
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/**
 * The base URL of a registry.
 *
 * @throws HawserError REFERENCE_INVALID
 */
export function registryUrl(domain: string, scheme: 'http' | 'https'): URL {
  const text = `${scheme}://${hosts[domain] ?? domain}`;
  if (!URL.canParse(text))
    throw new HawserError('REFERENCE_INVALID', `${JSON.stringify(domain)} is not a host`);
  return new URL(text);
}
