import { HawserError } from '../errors/hawser-error.ts';

const pattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const hub: ReadonlySet<string> = new Set([
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

/**
 * The host of a registry as users name it, Docker Hub where they name none: `HOST[:PORT]`, also with a scheme or a path.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function registryDomain(text: string | undefined): string {
  if (text === undefined) return 'docker.io';
  const host = text.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
  if (!pattern.test(host)) {
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not a registry`, {
      remedy: 'Use HOST[:PORT].',
    });
  }
  return hub.has(host) ? 'docker.io' : host;
}
