import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { findProgram } from '../find-program.ts';
import { runProgram } from '../run-program.ts';

/** A plugin's part of a network configuration list, CNI specification 0.4.0. */
export type CniPlugin = Readonly<Record<string, unknown>> & { readonly type: string };

/** What ADD answers, as far as it is read. */
export interface CniResult {
  readonly interfaces?: readonly {
    readonly name: string;
    readonly mac?: string;
    readonly sandbox?: string;
  }[];
  readonly ips?: readonly { readonly address: string; readonly gateway?: string }[];
}

export interface CniTarget {
  readonly containerID: string;
  /** Path of the network namespace; empty for a DEL after it is gone. */
  readonly namespace: string;
  readonly interface: string;
}

const cniVersion = '0.4.0';
const pluginFolders = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];

function folders(): readonly string[] {
  const named = process.env.CNI_PATH;
  return named === undefined || named === '' ? pluginFolders : named.split(':');
}

function pluginPath(type: string): string {
  const found = folders()
    .map(folder => join(folder, type))
    .find(path => existsSync(path));
  if (found !== undefined) return found;
  throw new HawserError('REQUIREMENT_MISSING', `the CNI plugin ${type} is not installed`, {
    remedy: 'Install it, e.g. apt-get install containernetworking-plugins, or use --network host.',
    detail: { program: type, package: 'containernetworking-plugins' },
  });
}

/** @throws HawserError REQUIREMENT_MISSING before anything is changed */
export function requirePlugins(plugins: readonly CniPlugin[]): void {
  for (const { type } of plugins) pluginPath(type);
  if (findProgram('iptables') === undefined) {
    throw new HawserError('REQUIREMENT_MISSING', 'the program iptables is not installed', {
      remedy: 'Install it, e.g. apt-get install iptables, or use --network host.',
      detail: { program: 'iptables', package: 'iptables' },
    });
  }
}

async function callPlugin(
  command: 'ADD' | 'DEL',
  plugin: CniPlugin,
  options: {
    readonly network: string;
    readonly target: CniTarget;
    readonly previous?: CniResult | undefined;
  },
): Promise<CniResult> {
  const { network, target, previous } = options;
  const configuration = {
    cniVersion,
    name: network,
    ...plugin,
    ...(previous === undefined ? {} : { prevResult: previous }),
  };
  const { exitCode, stdout, stderr } = await runProgram(pluginPath(plugin.type), [], {
    input: JSON.stringify(configuration),
    env: {
      PATH: '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin',
      CNI_COMMAND: command,
      CNI_CONTAINERID: target.containerID,
      CNI_NETNS: target.namespace,
      CNI_IFNAME: target.interface,
      CNI_PATH: folders().join(':'),
    },
  });
  if (exitCode === 0) return stdout.trim() === '' ? (previous ?? {}) : (JSON.parse(stdout) as CniResult);
  const text = stdout.trim() === '' ? stderr.trim() : messageOfError(stdout);
  throw new HawserError('NETWORK_FAILED', `CNI plugin ${plugin.type}, ${command}: ${text}`, {
    detail: { plugin: plugin.type, output: stdout + stderr },
  });
}

function messageOfError(output: string): string {
  try {
    const value = JSON.parse(output) as { readonly msg?: string; readonly details?: string };
    return [value.msg, value.details].filter(part => part !== undefined && part !== '').join(': ');
  } catch (error) {
    if (error instanceof SyntaxError) return output.trim();
    throw error;
  }
}

/**
 * Adds an interface with a chain of plugins, each seeing the result of the one before (CNI 0.4.0, "Network
 * configuration lists"). What a failing chain has done is undone.
 *
 * @throws HawserError NETWORK_FAILED, REQUIREMENT_MISSING
 */
export async function cniAdd(
  network: string,
  plugins: readonly CniPlugin[],
  target: CniTarget,
): Promise<CniResult> {
  let result: CniResult | undefined;
  try {
    for (const plugin of plugins)
      result = await callPlugin('ADD', plugin, { network, target, previous: result });
  } catch (error) {
    await cniDelete(network, plugins, {
      ...target,
      ...(result === undefined ? {} : { previous: result }),
    }).catch((cause: unknown) => {
      throw new HawserError('NETWORK_FAILED', `undo the network of ${target.containerID.slice(0, 12)}`, {
        cause: new AggregateError([error, cause]),
      });
    });
    throw error;
  }
  return result ?? {};
}

/** Takes an interface away; DEL is idempotent. The plugins own different things and go at once. */
export async function cniDelete(
  network: string,
  plugins: readonly CniPlugin[],
  target: CniTarget & { readonly previous?: CniResult },
): Promise<void> {
  const { previous } = target;
  await Promise.all(plugins.map(plugin => callPlugin('DEL', plugin, { network, target, previous })));
}
