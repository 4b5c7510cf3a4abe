import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { fsOps } from '../../layers/fs-ops.ts';
import type { ContainerNetwork, PortMapping } from '../container-types.ts';
import { findProgram, requireProgram } from '../find-program.ts';
import { runProgram } from '../run-program.ts';
import { ensureBridgeRules } from './bridge-rules.ts';
import { type CniPlugin, type CniResult, cniAdd, cniDelete, requirePlugins } from './cni.ts';
import { networkFolder } from './network-folder.ts';
import { bridgeSubnet } from './subnet.ts';

/** The name of the network, of which portmap makes the names of its chains. */
const network = 'hawser';
const bridge = 'hawser0';

function pluginsOf(subnet: string, ports: readonly PortMapping[]): readonly CniPlugin[] {
  const plugins: CniPlugin[] = [
    {
      type: 'bridge',
      bridge,
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: join(networkFolder, 'addresses'),
        ranges: [[{ subnet }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ];
  if (ports.length > 0) {
    const portMappings = ports.map(({ hostIP, hostPort, containerPort, protocol }) => ({
      hostPort,
      containerPort,
      protocol,
      ...(hostIP === '' ? {} : { hostIP }),
    }));
    // portmap's snat also sets route_localnet, so that 127.0.0.1:HOSTPORT on the host leads in.
    plugins.push({
      type: 'portmap',
      capabilities: { portMappings: true },
      snat: true,
      runtimeConfig: { portMappings },
    });
  }
  return plugins;
}

/**
 * Makes a network namespace that lives without a process, by the mount of `path`, with its loopback up.
 *
 * @throws HawserError REQUIREMENT_MISSING, NETWORK_FAILED
 */
export async function createNetworkNamespace(path: string): Promise<void> {
  const unshare = requireProgram('unshare', { package: 'util-linux' });
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, 'w'));
  const ip = findProgram('ip');
  const up = ip === undefined ? ['true'] : [ip, 'link', 'set', 'lo', 'up'];
  const { exitCode, stderr } = await runProgram(unshare, [`--net=${path}`, ...up]);
  if (exitCode !== 0) throw new HawserError('NETWORK_FAILED', `make a network namespace: ${stderr.trim()}`);
  if (ip === undefined) {
    await cniAdd(network, [{ type: 'loopback' }], {
      containerID: 'loopback',
      namespace: path,
      interface: 'lo',
    });
  }
}

/** Harmless where there is none. */
export function removeNetworkNamespace(path: string): void {
  while (existsSync(path) && fsOps.unmount(path));
  rmSync(path, { force: true });
}

function networkOf(result: CniResult, id: string): ContainerNetwork {
  const ip = result.ips?.[0];
  const [address = '', prefix = '0'] = ip?.address.split('/') ?? [];
  if (address === '') throw new HawserError('NETWORK_FAILED', `container ${id.slice(0, 12)} got no address`);
  const own = result.interfaces?.find(({ sandbox }) => sandbox !== undefined && sandbox !== '');
  return {
    interface: own?.name ?? 'eth0',
    address,
    prefixLength: Number(prefix),
    gateway: ip?.gateway ?? '',
    mac: own?.mac ?? '',
  };
}

/** @throws HawserError REQUIREMENT_MISSING (plugins, iptables), NETWORK_FAILED */
export async function connectToBridge(
  id: string,
  options: { readonly namespace: string; readonly ports: readonly PortMapping[] },
): Promise<ContainerNetwork> {
  const subnet = await bridgeSubnet();
  const plugins = pluginsOf(subnet, options.ports);
  requirePlugins(plugins);
  const target = { containerID: id, namespace: options.namespace, interface: 'eth0' };
  const [result] = await Promise.all([cniAdd(network, plugins, target), ensureBridgeRules(bridge, subnet)]);
  return networkOf(result, id);
}

/** Takes away address, ports and rules, also when the namespace is gone. */
export async function disconnectFromBridge(
  id: string,
  options: {
    readonly namespace: string;
    readonly ports: readonly PortMapping[];
    readonly network: ContainerNetwork | undefined;
  },
): Promise<void> {
  const { namespace, ports, network: last } = options;
  const previous: CniResult | undefined =
    last === undefined
      ? undefined
      : {
          interfaces: [{ name: last.interface, mac: last.mac, sandbox: namespace }],
          ips: [{ address: `${last.address}/${last.prefixLength}`, gateway: last.gateway }],
        };
  await cniDelete(network, pluginsOf(await bridgeSubnet(), ports), {
    containerID: id,
    namespace: existsSync(namespace) ? namespace : '',
    interface: 'eth0',
    ...(previous === undefined ? {} : { previous: { ...previous, cniVersion: '0.4.0' } as CniResult }),
  });
}
