import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../errors/hawser-error.ts';
import type { DnsOptions } from './container-types.ts';

const resolvedStub = '/run/systemd/resolve/resolv.conf';

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/**
 * The text of a container's resolv.conf(5): the host's, with `dns` over it. A container with a network of its own does
 * not reach a resolver on the host's loopback: systemd-resolved's real list is taken then, else public ones, as Docker
 * does.
 */
export function resolverConfiguration(
  options: { readonly ownNetwork: boolean; readonly dns?: DnsOptions | undefined },
  read: (path: string) => string = readOrEmpty,
): string {
  const host = read('/etc/resolv.conf');
  const lines = host.split('\n').filter(line => line.trim() !== '' && !/^\s*[#;]/.test(line));
  const addressesOf = (text: readonly string[]) =>
    text.flatMap(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  let servers: readonly string[] = options.dns?.servers ?? [];
  if (servers.length === 0) {
    servers = addressesOf(lines);
    if (options.ownNetwork && servers.every(isLoopback)) {
      servers = addressesOf(read(resolvedStub).split('\n')).filter(address => !isLoopback(address));
      if (servers.length === 0) servers = ['8.8.8.8', '8.8.4.4'];
    } else if (options.ownNetwork) {
      servers = servers.filter(address => !isLoopback(address));
    }
  }
  const keep = (keyword: string) => lines.filter(line => line.trimStart().startsWith(`${keyword} `));
  const search = options.dns?.search;
  const settings = options.dns?.options;
  return [
    ...servers.map(address => `nameserver ${address}`),
    ...(search === undefined ? keep('search') : search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(settings === undefined
      ? keep('options')
      : settings.length > 0
        ? [`options ${settings.join(' ')}`]
        : []),
    '',
  ].join('\n');
}

/** The text of hosts(5). */
export function hostsFile(
  entries: readonly { readonly host: string; readonly address: string }[],
  own?: { readonly hostname: string; readonly address: string },
): string {
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...(own === undefined ? [] : [`${own.address}\t${own.hostname}`]),
    ...entries.map(({ host, address }) => `${address}\t${host}`),
    '',
  ].join('\n');
}
