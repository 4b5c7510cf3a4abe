import { HawserError } from '../../errors/hawser-error.ts';

/**
 * An address as Go writes it: `:5000`, `localhost:5000`, `[::1]:5000`; no host means all addresses.
 *
 * @param path The key of the configuration that has it.
 * @throws HawserError REGISTRY_CONFIG_INVALID
 */
export function parseAddress(
  text: string,
  path: string,
): { readonly host: string | undefined; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new HawserError('REGISTRY_CONFIG_INVALID', `${path}: invalid address ${JSON.stringify(text)}`, {
      remedy: 'Use [HOST]:PORT, e.g. :5000 or 127.0.0.1:5000.',
    });
  }
  const host = match[1]?.replace(/^\[|\]$/g, '');
  return { host: host === '' ? undefined : host, port };
}
