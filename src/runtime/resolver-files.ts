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

function serversOf(lines: readonly string[]): readonly string[] {
  return lines.flatMap(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}

/** Name servers of the host that a container reaches. */
function hostServers(
  lines: readonly string[],
  ownNetwork: boolean,
  read: (path: string) => string,
): readonly string[] {
  const servers = serversOf(lines);
  const reached = ownNetwork ? servers.filter(address => !isLoopback(address)) : servers;
  if (!ownNetwork || reached.length > 0) return reached;
  const real = serversOf(read(resolvedStub).split('\n')).filter(address => !isLoopback(address));
  return real.length === 0 ? ['8.8.8.8', '8.8.4.4'] : real;
}

/** Each `name` or `name:value` once, as it was given last. */
function latestSettings(settings: readonly string[]): readonly string[] {
  return [...new Map(settings.map(setting => [setting.split(':')[0], setting])).values()];
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
  const given = options.dns ?? {};
  const lines = read('/etc/resolv.conf')
    .split('\n')
    .filter(line => line.trim() !== '' && !/^\s*[#;]/.test(line));
  const hostWords = (keyword: string) =>
    lines.flatMap(line => {
      const [first, ...rest] = line.trim().split(/\s+/);
      return first === keyword ? rest : [];
    });
  const own = given.servers ?? [];
  const host = () => hostServers(lines, options.ownNetwork, read);
  const servers = given.extend === true ? [...host(), ...own] : own.length > 0 ? own : host();
  const words = (keyword: string, over: readonly string[] | undefined) =>
    given.extend === true ? [...hostWords(keyword), ...(over ?? [])] : (over ?? hostWords(keyword));
  const search = [...new Set(words('search', given.search))];
  const settings = latestSettings(words('options', given.options));
  return [
    ...[...new Set(servers)].map(address => `nameserver ${address}`),
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...(settings.length === 0 ? [] : [`options ${settings.join(' ')}`]),
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
