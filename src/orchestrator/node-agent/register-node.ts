import { readFileSync } from 'node:fs';
import { arch, availableParallelism, networkInterfaces, release, totalmem } from 'node:os';
import type { Node } from '../../api/node.ts';
import { StatusError } from '../../api/status.ts';
import { timestampOf } from '../../api/timestamp.ts';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import { hawserVersion } from '../../util/version.ts';
import type { ApiContext } from '../apiserver/api-context.ts';
import { createObject } from '../apiserver/registry/create-object.ts';
import { updateObject } from '../apiserver/registry/update-object.ts';
import { nodes } from '../apiserver/resources/nodes.ts';
import type { AgentNode } from './agent-context.ts';

/** Pods that a node takes at most: kubelet --max-pods. */
const MAX_PODS = '110';

/** An RFC 1123 name from a host name. */
export function nodeNameOf(hostName: string): string {
  const name = hostName
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return name === '' ? 'node' : name.slice(0, 63);
}

/** The address by which pods and others reach this machine: its first one that is neither loopback nor a bridge of ours. */
export function nodeAddress(): string {
  const own = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo$|hawser|docker|cni|podman|veth|br-)/.test(name))
    .flatMap(([, addresses]) => addresses ?? []);
  return own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

function fileOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return fallback;
    throw error;
  }
}

function osImage(): string {
  const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(fileOr('/etc/os-release', ''))?.[1];
  return name ?? 'Linux';
}

function goArch(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

function nodeStatus(node: AgentNode, now: number): NonNullable<Node['status']> {
  const time = timestampOf(now);
  const resources = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: MAX_PODS,
  };
  return {
    capacity: resources,
    allocatable: resources,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'KubeletReady',
        message: 'the node agent is ready',
        lastHeartbeatTime: time,
        lastTransitionTime: time,
      },
    ],
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: node.name },
    ],
    nodeInfo: {
      machineID: fileOr('/etc/machine-id', ''),
      systemUUID: '',
      bootID: fileOr('/proc/sys/kernel/random/boot_id', ''),
      kernelVersion: release(),
      osImage: osImage(),
      containerRuntimeVersion: `hawser://${hawserVersion}`,
      kubeletVersion: `v${hawserVersion}`,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: goArch(),
    },
  };
}

/** Tells the API of this node. */
export async function registerNode(context: ApiContext, node: AgentNode): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': goArch(),
  };
  const status = nodeStatus(node, context.now());
  const object: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels },
    spec: {},
    status,
  };
  try {
    await createObject(context, nodes, object);
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.reason !== 'AlreadyExists') throw error;
    const change = (current: object): Node => ({ ...(current as Node), status });
    await updateObject(
      context,
      nodes,
      { namespace: undefined, name: node.name },
      { change, subresource: 'status' },
    );
  }
}
