import { isHawserError } from '../errors/hawser-error.ts';
import { parseReference } from '../image/reference.ts';
import type { Container, Pod, PodSpec, Probe, ResourceList, Toleration, Volume } from './pod.ts';

/** Always for `:latest` and for no tag, else IfNotPresent (kubernetes, pkg/apis/core/v1/defaults.go, SetDefaults_Container). */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  try {
    const { tag, digest } = parseReference(image);
    return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
  } catch (error) {
    // The pod is stored all the same, and its container waits with InvalidImageName.
    if (isHawserError(error, 'REFERENCE_INVALID')) return 'IfNotPresent';
    throw error;
  }
}

function withRequests(resources: Container['resources'] = {}): NonNullable<Container['resources']> {
  const { limits } = resources;
  if (limits === undefined) return resources;
  const requests: ResourceList = { ...limits, ...resources.requests };
  return { ...resources, requests };
}

function defaultProbe(probe: Probe): Probe {
  const { httpGet } = probe;
  return {
    ...probe,
    ...(httpGet === undefined ? {} : { httpGet: { path: '/', scheme: 'HTTP', ...httpGet } }),
    timeoutSeconds: probe.timeoutSeconds ?? 1,
    periodSeconds: probe.periodSeconds ?? 10,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

function defaultPorts(ports: NonNullable<Container['ports']>, hostNetwork: boolean): Container['ports'] {
  return ports.map(port => ({
    ...port,
    ...(hostNetwork && port.hostPort === undefined ? { hostPort: port.containerPort } : {}),
    protocol: port.protocol ?? 'TCP',
  }));
}

function defaultEnvironment(env: NonNullable<Container['env']>): Container['env'] {
  return env.map(variable => {
    const fieldRef = variable.valueFrom?.fieldRef;
    if (fieldRef === undefined) return variable;
    return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { apiVersion: 'v1', ...fieldRef } } };
  });
}

const probeNames = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

function defaultContainer(container: Container, hostNetwork: boolean): Container {
  const probes = probeNames.flatMap(name => {
    const probe = container[name];
    return probe === undefined ? [] : [[name, defaultProbe(probe)] as const];
  });
  return {
    ...container,
    ...(container.ports === undefined ? {} : { ports: defaultPorts(container.ports, hostNetwork) }),
    ...(container.env === undefined ? {} : { env: defaultEnvironment(container.env) }),
    ...Object.fromEntries(probes),
    resources: withRequests(container.resources),
    terminationMessagePath: container.terminationMessagePath ?? '/dev/termination-log',
    terminationMessagePolicy: container.terminationMessagePolicy ?? 'File',
    imagePullPolicy: container.imagePullPolicy ?? defaultPullPolicy(container.image ?? ''),
  };
}

function defaultVolume(volume: Volume): Volume {
  const { name, ...sources } = volume;
  if (Object.keys(sources).length === 0) return { name, emptyDir: {} };
  if (volume.hostPath !== undefined) return { ...volume, hostPath: { type: '', ...volume.hostPath } };
  return volume;
}

/** What the DefaultTolerationSeconds admission adds: pods outlive five minutes of a lost node. */
function defaultTolerations(given: readonly Toleration[] = []): readonly Toleration[] {
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    key =>
      !given.some(
        toleration =>
          (toleration.key === key || toleration.key === undefined) &&
          (toleration.effect === 'NoExecute' || toleration.effect === undefined),
      ),
  );
  return [
    ...given,
    ...added.map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
  ];
}

function defaultSpec(spec: PodSpec): PodSpec {
  const hostNetwork = spec.hostNetwork === true;
  const containers = (list: readonly Container[]) =>
    list.map(container => defaultContainer(container, hostNetwork));
  return {
    ...spec,
    ...(spec.volumes === undefined ? {} : { volumes: spec.volumes.map(defaultVolume) }),
    ...(spec.initContainers === undefined ? {} : { initContainers: containers(spec.initContainers) }),
    containers: containers(spec.containers ?? []),
    restartPolicy: spec.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy ?? 'ClusterFirst',
    securityContext: spec.securityContext ?? {},
    schedulerName: spec.schedulerName ?? 'default-scheduler',
    tolerations: defaultTolerations(spec.tolerations),
    enableServiceLinks: spec.enableServiceLinks ?? true,
  };
}

/** A pod with the values that Kubernetes fills in (pkg/apis/core/v1/defaults.go). */
export function defaultPod(pod: Pod): Pod {
  return { ...pod, spec: defaultSpec(pod.spec ?? { containers: [] }) };
}
