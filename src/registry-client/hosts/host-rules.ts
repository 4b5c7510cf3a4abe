import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Environment } from '../auth-file.ts';
import { type DaemonSettings, readDaemonJson } from './daemon-json.ts';
import { type MirrorUse, type RegistryEntry, readRegistriesConf } from './registries-conf.ts';

/** Where the content of a repository is asked for. */
export interface Place {
  /** `host[:port]`: the key of credentials and certificates too. */
  readonly domain: string;
  readonly path: string;
  /** A mirror whose URL says http. */
  readonly plainHttp?: boolean;
}

export interface HostRulesPaths {
  readonly daemonJson: string;
  readonly registriesConf: string;
  readonly registriesFolders: readonly string[];
}

/** Where docker, podman, buildah and skopeo look. */
export function hostRulesPaths(env: Environment): HostRulesPaths {
  const own = join(env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), '.config'), 'containers');
  const ownConf = join(own, 'registries.conf');
  return {
    daemonJson: '/etc/docker/daemon.json',
    registriesConf:
      env.CONTAINERS_REGISTRIES_CONF ?? (existsSync(ownConf) ? ownConf : '/etc/containers/registries.conf'),
    registriesFolders: ['/etc/containers/registries.conf.d', join(own, 'registries.conf.d')],
  };
}

function hostOf(domain: string): string {
  return domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

/** How long a part of `name` the prefix stands for; undefined for none. containers-registries.conf(5), "prefix". */
function matchLength(prefix: string, name: string): number | undefined {
  if (prefix.startsWith('*.')) {
    const host = name.split('/', 1)[0] ?? '';
    return hostOf(host).endsWith(prefix.slice(1)) ? host.length : undefined;
  }
  if (!name.startsWith(prefix)) return undefined;
  return name.length === prefix.length || name[prefix.length] === '/' ? prefix.length : undefined;
}

function placeOf(text: string): Place {
  const slash = text.indexOf('/');
  return slash < 0
    ? { domain: text, path: '' }
    : { domain: text.slice(0, slash), path: text.slice(slash + 1) };
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/');
    const family = isIP(address);
    if (family !== 0) list.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function holds(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What the machine's configuration says of registries: mirrors, other places, insecure and blocked ones. */
export class HostRules {
  readonly #entries: readonly RegistryEntry[];
  readonly #daemon: DaemonSettings;
  readonly #ranges: BlockList | undefined;

  constructor(daemon: DaemonSettings, entries: readonly RegistryEntry[]) {
    this.#daemon = daemon;
    this.#entries = entries;
    const ranges = daemon.insecure.filter(text => text.includes('/'));
    this.#ranges = ranges.length === 0 ? undefined : blockListOf(ranges);
  }

  static async read(paths: HostRulesPaths): Promise<HostRules> {
    const [daemon, entries] = await Promise.all([
      readDaemonJson(paths.daemonJson),
      readRegistriesConf(paths.registriesConf, paths.registriesFolders),
    ]);
    return new HostRules(daemon, entries);
  }

  /** Of a machine that has no such configuration. */
  static none(): HostRules {
    return new HostRules({ insecure: [], mirrors: [] }, []);
  }

  /** The entry with the longest prefix. */
  #entryOf(name: string): { readonly entry: RegistryEntry; readonly length: number } | undefined {
    let best: { entry: RegistryEntry; length: number } | undefined;
    for (const entry of this.#entries) {
      const length = matchLength(entry.prefix, name);
      if (length !== undefined && (best === undefined || entry.prefix.length > best.entry.prefix.length))
        best = { entry, length };
    }
    return best;
  }

  /**
   * Where a repository is: the registry itself, which `location` may have moved.
   *
   * @throws HawserError DENIED where it is blocked
   */
  placeOf(domain: string, path: string): Place {
    const name = path === '' ? domain : `${domain}/${path}`;
    const found = this.#entryOf(name);
    if (found?.entry.blocked === true) {
      throw new HawserError('DENIED', `${name} is blocked by the machine's registries.conf`, {
        remedy: `Ask who runs this machine; the entry is prefix = "${found.entry.prefix}".`,
      });
    }
    const location = found?.entry.location;
    if (found === undefined || location === undefined) return { domain, path };
    return placeOf(location + name.slice(found.length));
  }

  /** Places that have copies of a repository, to be asked first and in this order. */
  mirrorsOf(domain: string, path: string, by: 'tag' | 'digest'): readonly Place[] {
    const name = `${domain}/${path}`;
    const found = this.#entryOf(name);
    const other: MirrorUse = by === 'tag' ? 'digest-only' : 'tag-only';
    const configured = (found?.entry.mirrors ?? [])
      .filter(({ use }) => use !== other)
      .map(({ location }) => placeOf(location.replace(/\/$/, '') + name.slice(found?.length)));
    if (domain !== 'docker.io') return configured;
    const mirrors = this.#daemon.mirrors.map(url => ({
      domain: url.host,
      path: `${url.pathname.replace(/^\/|\/$/g, '')}/${path}`.replace(/^\//, ''),
      plainHttp: url.protocol === 'http:',
    }));
    return [...configured, ...mirrors];
  }

  /** Whether a host's certificate is not looked at, and http will do where it does not speak TLS. */
  async isInsecure(domain: string): Promise<boolean> {
    if (this.#daemon.insecure.includes(domain) || this.#daemon.insecure.includes(hostOf(domain))) return true;
    for (const { prefix, location, insecure, mirrors } of this.#entries) {
      const places = [
        insecure ? (location ?? prefix) : '',
        ...mirrors.map(it => (it.insecure ? it.location : '')),
      ];
      if (places.some(text => text !== '' && matchLength(text.split('/', 1)[0] ?? '', domain) !== undefined))
        return true;
    }
    if (this.#ranges === undefined) return false;
    const host = hostOf(domain);
    if (isIP(host) !== 0) return holds(this.#ranges, host);
    const ranges = this.#ranges;
    const addresses = await lookup(host, { all: true }).catch(() => []); // an unknown host is told when it is asked
    return addresses.some(({ address }) => holds(ranges, address));
  }
}
