import type { Pod } from '../../api/pod.ts';
import { podNameLabel, podNamespaceLabel, podUIDLabel, restartCountLabel } from './pod-labels.ts';
import type { SandboxRequest } from './pod-runtime.ts';

/** The labels by which everything of a pod is found again. */
export function podLabels({ metadata }: Pod): Readonly<Record<string, string>> {
  return {
    [podUIDLabel]: metadata.uid ?? '',
    [podNameLabel]: metadata.name,
    [podNamespaceLabel]: metadata.namespace ?? 'default',
  };
}

function portsOf({ spec }: Pod): SandboxRequest['ports'] {
  if (spec.hostNetwork === true) return [];
  return spec.containers.flatMap(({ ports }) =>
    (ports ?? [])
      .filter(({ hostPort, protocol }) => hostPort !== undefined && hostPort > 0 && protocol !== 'SCTP')
      .map(({ hostPort, hostIP, containerPort, protocol }) => ({
        hostIP: hostIP === undefined || hostIP === '0.0.0.0' ? '' : hostIP,
        hostPort: hostPort ?? 0,
        containerPort,
        protocol: protocol === 'UDP' ? ('udp' as const) : ('tcp' as const),
      })),
  );
}

/**
 * dnsPolicy: there is no cluster DNS yet, so that ClusterFirst is the node's resolver, as Default. dnsConfig adds to it,
 * and stands alone for None.
 */
function dnsOf({ spec }: Pod): SandboxRequest['dns'] {
  const { dnsConfig } = spec;
  if (spec.dnsPolicy !== 'None' && dnsConfig === undefined) return undefined;
  return {
    servers: dnsConfig?.nameservers ?? [],
    search: dnsConfig?.searches ?? [],
    options: (dnsConfig?.options ?? []).map(({ name = '', value }) =>
      value === undefined ? name : `${name}:${value}`,
    ),
    extend: spec.dnsPolicy !== 'None',
  };
}

/** The pause container of a pod, that holds its namespaces. */
export function sandboxRequest(
  pod: Pod,
  options: { readonly attempt: number; readonly nodeName: string },
): SandboxRequest {
  const { metadata, spec } = pod;
  const dns = dnsOf(pod);
  const sysctls = spec.securityContext?.sysctls ?? [];
  return {
    podUID: metadata.uid ?? '',
    podName: metadata.name,
    podNamespace: metadata.namespace ?? 'default',
    // A host name has at most 63 characters (RFC 1123).
    hostname:
      spec.hostNetwork === true
        ? options.nodeName
        : (spec.hostname ?? metadata.name).slice(0, 63).replace(/[-.]+$/, ''),
    hostNetwork: spec.hostNetwork === true,
    hostIPC: spec.hostIPC === true,
    ports: portsOf(pod),
    hostAliases: (spec.hostAliases ?? []).flatMap(({ ip, hostnames }) =>
      (hostnames ?? []).map(host => ({ address: ip, host })),
    ),
    ...(dns === undefined ? {} : { dns }),
    ...(sysctls.length === 0
      ? {}
      : { sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])) }),
    labels: { ...podLabels(pod), [restartCountLabel]: String(options.attempt) },
  };
}
