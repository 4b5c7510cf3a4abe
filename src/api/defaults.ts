import { isHawserError } from '../errors/hawser-error.ts';
import { parseReference } from '../image/reference.ts';
import type {
  Container,
  Lifecycle,
  LifecycleHandler,
  Pod,
  PodSpec,
  Probe,
  ResourceList,
  Toleration,
  Volume,
} from './pod.ts';

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

/** Where a value is left out. To Kubernetes an empty text or a zero is as good as that, unless a field says otherwise. */
function orDefault<Value extends string | number>(value: Value | undefined, fallback: Value): Value {
  return value === undefined || value === '' || value === 0 ? fallback : value;
}

function defaultHandler<Handler extends LifecycleHandler>(handler: Handler): Handler {
  const { httpGet } = handler;
  if (httpGet === undefined) return handler;
  const path = orDefault(httpGet.path, '/');
  return { ...handler, httpGet: { ...httpGet, path, scheme: orDefault(httpGet.scheme, 'HTTP') } };
}

function defaultProbe(probe: Probe): Probe {
  const { grpc } = probe;
  return {
    ...defaultHandler(probe),
    ...(grpc === undefined ? {} : { grpc: { ...grpc, service: grpc.service ?? '' } }),
    timeoutSeconds: orDefault(probe.timeoutSeconds, 1),
    periodSeconds: orDefault(probe.periodSeconds, 10),
    successThreshold: orDefault(probe.successThreshold, 1),
    failureThreshold: orDefault(probe.failureThreshold, 3),
  };
}

function defaultLifecycle({ postStart, preStop }: Lifecycle): Lifecycle {
  return {
    ...(postStart === undefined ? {} : { postStart: defaultHandler(postStart) }),
    ...(preStop === undefined ? {} : { preStop: defaultHandler(preStop) }),
  };
}

function defaultPorts(ports: NonNullable<Container['ports']>, hostNetwork: boolean): Container['ports'] {
  return ports.map(port => ({
    ...port,
    ...(hostNetwork ? { hostPort: orDefault(port.hostPort, port.containerPort) } : {}),
    protocol: orDefault(port.protocol, 'TCP'),
  }));
}

function defaultEnvironment(env: NonNullable<Container['env']>): Container['env'] {
  return env.map(variable => {
    const fieldRef = variable.valueFrom?.fieldRef;
    if (fieldRef === undefined) return variable;
    const apiVersion = orDefault(fieldRef.apiVersion, 'v1');
    return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { ...fieldRef, apiVersion } } };
  });
}

const probeNames = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

function defaultContainer(container: Container, hostNetwork: boolean): Container {
  const probes = probeNames.flatMap(name => {
    const probe = container[name];
    return probe === undefined ? [] : [[name, defaultProbe(probe)] as const];
  });
  const { lifecycle } = container;
  return {
    ...container,
    ...(container.ports === undefined ? {} : { ports: defaultPorts(container.ports, hostNetwork) }),
    ...(container.env === undefined ? {} : { env: defaultEnvironment(container.env) }),
    ...Object.fromEntries(probes),
    ...(lifecycle === undefined ? {} : { lifecycle: defaultLifecycle(lifecycle) }),
    resources: withRequests(container.resources),
    terminationMessagePath: orDefault(container.terminationMessagePath, '/dev/termination-log'),
    terminationMessagePolicy: orDefault(container.terminationMessagePolicy, 'File'),
    imagePullPolicy: orDefault(container.imagePullPolicy, defaultPullPolicy(container.image ?? '')),
  };
}

function defaultVolume(volume: Volume): Volume {
  const { name, ...sources } = volume;
  if (Object.keys(sources).length === 0) return { name, emptyDir: {} };
  const { hostPath } = volume;
  return hostPath === undefined
    ? volume
    : { ...volume, hostPath: { ...hostPath, type: hostPath.type ?? '' } };
}

/** What the DefaultTolerationSeconds admission adds: pods outlive five minutes of a lost node. */
function defaultTolerations(given: readonly Toleration[] = []): readonly Toleration[] {
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    key =>
      !given.some(
        toleration =>
          ['', key].includes(toleration.key ?? '') && ['', 'NoExecute'].includes(toleration.effect ?? ''),
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
    restartPolicy: orDefault(spec.restartPolicy, 'Always'),
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: orDefault(spec.dnsPolicy, 'ClusterFirst'),
    securityContext: spec.securityContext ?? {},
    schedulerName: orDefault(spec.schedulerName, 'default-scheduler'),
    tolerations: defaultTolerations(spec.tolerations),
    enableServiceLinks: spec.enableServiceLinks ?? true,
  };
}

/** A pod with the values that Kubernetes fills in (pkg/apis/core/v1/defaults.go). */
export function defaultPod(pod: Pod): Pod {
  return { ...pod, spec: defaultSpec(pod.spec ?? { containers: [] }) };
}
