import { dirname } from 'node:path';
import type { ContainerEngine } from './container-engine.ts';
import { containerFolder, logPathOf } from './container-store.ts';
import type { Container, ContainerMount, PortMapping } from './container-types.ts';
import { restartsOf } from './restart-policy.ts';
import { volumeData } from './volumes.ts';

const never = '0001-01-01T00:00:00Z';

function portsOf(ports: readonly PortMapping[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const table: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, protocol, hostIP, hostPort } of ports) {
    const bindings = (table[`${containerPort}/${protocol}`] ??= []);
    bindings.push({ HostIp: hostIP === '' ? '0.0.0.0' : hostIP, HostPort: String(hostPort) });
  }
  return table;
}

function mountOf(engine: Pick<ContainerEngine, 'root'>, mount: ContainerMount): object {
  const common = { Destination: mount.target, RW: mount.readOnly !== true, Propagation: 'rprivate' };
  if (mount.type === 'bind') return { Type: 'bind', Source: mount.source, Mode: '', ...common };
  if (mount.type === 'tmpfs') return { Type: 'tmpfs', Source: '', Mode: '', ...common };
  const name = mount.name ?? '';
  return {
    Type: 'volume',
    Name: name,
    Source: volumeData(engine, name),
    Driver: 'local',
    Mode: '',
    ...common,
  };
}

function networkModeOf({ record }: Container): string {
  const joined = record.request.namespaces?.id;
  const mode = record.request.network ?? { kind: 'bridge' };
  if (joined !== undefined) return `container:${joined}`;
  return mode.kind === 'container' ? `container:${mode.id}` : mode.kind;
}

function stateOfInspect({ state }: Container): object {
  return {
    Status: state.status,
    Running: state.status === 'running',
    Paused: false,
    Restarting: false,
    OOMKilled: state.oomKilled === true,
    Dead: state.status === 'dead',
    Pid: state.pid ?? 0,
    ExitCode: state.exitCode ?? 0,
    Error: state.error ?? '',
    StartedAt: state.startedAt ?? never,
    FinishedAt: state.finishedAt ?? never,
  };
}

function hostConfigOf(container: Container): object {
  const { record } = container;
  const { request } = record;
  return {
    Binds: record.mounts.flatMap(mount => (mount.type === 'bind' ? [`${mount.source}:${mount.target}`] : [])),
    NetworkMode: networkModeOf(container),
    PortBindings: portsOf(request.ports ?? []),
    RestartPolicy: { Name: request.restart?.name ?? 'no', MaximumRetryCount: request.restart?.maximum ?? 0 },
    AutoRemove: request.autoRemove === true,
    Privileged: request.privileged === true,
    ReadonlyRootfs: request.readOnlyRootfs === true,
    CapAdd: request.capabilities?.add ?? null,
    CapDrop: request.capabilities?.drop ?? null,
    Memory: request.resources?.memory ?? 0,
    NanoCpus: Math.round((request.resources?.cpus ?? 0) * 1e9),
    PidsLimit: request.resources?.pids ?? null,
  };
}

/** A container as `docker inspect` shows it (Docker Engine API 1.43, ContainerInspect), as far as hawser knows. */
export function inspectContainer(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  container: Container,
): Readonly<Record<string, unknown>> {
  const { record, start, state } = container;
  const { request } = record;
  const network = state.status === 'running' ? start?.network : undefined;
  const ports = state.status === 'running' ? portsOf(start?.ports ?? []) : {};
  const endpoint = {
    Gateway: network?.gateway ?? '',
    IPAddress: network?.address ?? '',
    IPPrefixLen: network?.prefixLength ?? 0,
    MacAddress: network?.mac ?? '',
  };
  const mode = networkModeOf(container);
  return {
    Id: record.id,
    Created: record.created,
    Path: record.args[0] ?? '',
    Args: record.args.slice(1),
    State: stateOfInspect(container),
    Image: record.image.id,
    ResolvConfPath: '',
    LogPath: logPathOf(engine, record),
    Name: `/${record.name}`,
    RestartCount: restartsOf(engine, record.id)?.count ?? 0,
    Driver: 'overlay',
    Platform: 'linux',
    HostConfig: hostConfigOf(container),
    Mounts: record.mounts.map(mount => mountOf(engine, mount)),
    Config: {
      Hostname: record.hostname,
      User: record.user,
      Tty: request.tty === true,
      OpenStdin: request.stdin === true,
      Env: record.env,
      Cmd: record.args,
      Image: record.image.name,
      WorkingDir: record.workingDir,
      Labels: record.labels,
      StopSignal: String(record.stopSignal),
    },
    NetworkSettings: {
      ...endpoint,
      Ports: ports,
      Networks: request.namespaces === undefined ? { [mode]: endpoint } : {},
    },
    hawser: { kind: record.kind, folder: dirname(containerFolder(engine, record.id)) },
  };
}
