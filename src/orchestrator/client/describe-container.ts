import type { Container, ContainerState, ContainerStatus, EnvVar, Pod, Probe } from '../../api/pod.ts';
import { type DescribeText, formatDate } from './describe-text.ts';

/* kubectl, pkg/describe/describe.go, describeContainers. */

interface ContainersInput {
  readonly containers: readonly Container[];
  readonly statuses: readonly ContainerStatus[];
  readonly pod: Pod;
}

function writeWords(text: DescribeText, title: string, words: readonly string[] | undefined): void {
  if (words === undefined || words.length === 0) return;
  text.line(2, `${title}:`);
  for (const word of words) for (const line of word.split('\n')) text.line(3, line);
}

function portsText({ ports = [] }: Container, which: 'containerPort' | 'hostPort'): string {
  const texts = ports.map(port => `${port[which] ?? 0}/${port.protocol ?? 'TCP'}`);
  return texts.length === 0 ? '<none>' : texts.join(', ');
}

function writeState(text: DescribeText, title: string, state: ContainerState): void {
  const { running, waiting, terminated } = state;
  if (running !== undefined) {
    text.line(2, `${title}:\tRunning`);
    text.line(3, `Started:\t${formatDate(running.startedAt)}`);
  } else if (terminated !== undefined) {
    const { reason = '', message = '', exitCode, signal = 0, startedAt, finishedAt } = terminated;
    text.line(2, `${title}:\tTerminated`);
    if (reason !== '') text.line(3, `Reason:\t${reason}`);
    if (message !== '') text.line(3, `Message:\t${message}`);
    text.line(3, `Exit Code:\t${exitCode}`);
    if (signal > 0) text.line(3, `Signal:\t${signal}`);
    if (startedAt !== undefined) text.line(3, `Started:\t${formatDate(startedAt)}`);
    if (finishedAt !== undefined) text.line(3, `Finished:\t${formatDate(finishedAt)}`);
  } else {
    text.line(2, `${title}:\tWaiting`);
    if ((waiting?.reason ?? '') !== '') text.line(3, `Reason:\t${waiting?.reason}`);
  }
}

function writeStatus(text: DescribeText, status: ContainerStatus): void {
  writeState(text, 'State', status.state);
  if (status.lastState.terminated !== undefined) writeState(text, 'Last State', status.lastState);
  text.line(2, `Ready:\t${status.ready ? 'True' : 'False'}`);
  text.line(2, `Restart Count:\t${status.restartCount}`);
}

function writeResources(text: DescribeText, { resources = {} }: Container): void {
  for (const [title, list] of [
    ['Limits', resources.limits],
    ['Requests', resources.requests],
  ] as const) {
    const entries = Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length > 0) text.line(2, `${title}:`);
    for (const [name, amount] of entries) text.line(3, `${name}:\t${amount}`);
  }
}

function probeAction({ exec, httpGet, tcpSocket, grpc }: Probe): string {
  if (exec !== undefined) return `exec [${(exec.command ?? []).join(' ')}]`;
  if (httpGet !== undefined) {
    const { scheme = 'HTTP', host = '', port, path = '' } = httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path}`;
  }
  if (tcpSocket !== undefined) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port}`;
  return grpc === undefined ? 'unknown' : `grpc <pod>:${grpc.port} ${grpc.service ?? ''}`;
}

function writeProbe(text: DescribeText, title: string, probe: Probe | undefined): void {
  if (probe === undefined) return;
  const {
    initialDelaySeconds = 0,
    timeoutSeconds = 0,
    periodSeconds = 0,
    successThreshold = 0,
    failureThreshold = 0,
  } = probe;
  const times = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`;
  text.line(2, `${title}:\t${probeAction(probe)} ${times}`);
}

function variableText({ name, value = '', valueFrom }: EnvVar, pod: Pod): string {
  const fieldPath = valueFrom?.fieldRef?.fieldPath;
  if (fieldPath === undefined) return `${name}:\t${value}`;
  const known: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
  };
  return `${name}:\t${known[fieldPath] ?? ''} (v1:${fieldPath})`;
}

function writeEnvironment(text: DescribeText, { env = [] }: Container, pod: Pod): void {
  text.line(2, env.length === 0 ? 'Environment:\t<none>' : 'Environment:');
  for (const variable of env) {
    const [first = '', ...more] = variableText(variable, pod).split('\n');
    text.line(3, first);
    for (const line of more) text.line(3, `\t${line}`);
  }
}

function writeMounts(text: DescribeText, { volumeMounts = [] }: Container): void {
  text.line(2, volumeMounts.length === 0 ? 'Mounts:\t<none>' : 'Mounts:');
  const sorted = [...volumeMounts].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  for (const { mountPath, name, readOnly, subPath = '' } of sorted) {
    const flags = [readOnly === true ? 'ro' : 'rw', ...(subPath === '' ? [] : [`path="${subPath}"`])];
    text.line(3, `${mountPath} from ${name} (${flags.join(',')})`);
  }
}

export function describeContainers(text: DescribeText, title: string, input: ContainersInput): void {
  text.line(0, `${title}:`);
  for (const container of input.containers) {
    const status = input.statuses.find(({ name }) => name === container.name);
    text.line(1, `${container.name}:`);
    if (status !== undefined) text.line(2, `Container ID:\t${status.containerID ?? ''}`);
    text.line(2, `Image:\t${container.image}`);
    if (status !== undefined) text.line(2, `Image ID:\t${status.imageID}`);
    const plural = (container.ports ?? []).length > 1 ? 's' : '';
    text.line(2, `Port${plural}:\t${portsText(container, 'containerPort')}`);
    text.line(2, `Host Port${plural}:\t${portsText(container, 'hostPort')}`);
    writeWords(text, 'Command', container.command);
    writeWords(text, 'Args', container.args);
    if (status !== undefined) writeStatus(text, status);
    writeResources(text, container);
    writeProbe(text, 'Liveness', container.livenessProbe);
    writeProbe(text, 'Readiness', container.readinessProbe);
    writeProbe(text, 'Startup', container.startupProbe);
    writeEnvironment(text, container, input.pod);
    writeMounts(text, container);
  }
}
