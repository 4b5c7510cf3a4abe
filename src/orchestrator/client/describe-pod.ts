import type { Event } from '../../api/event.ts';
import { ageOf } from '../../api/human-duration.ts';
import type { ApiList } from '../../api/object-meta.ts';
import type { Pod, Volume } from '../../api/pod.ts';
import { qosClassOf } from '../../api/qos-class.ts';
import { type ApiClient } from './api-client.ts';
import { describeContainers } from './describe-container.ts';
import { DescribeText, formatDate, writeAnnotations, writeMap } from './describe-text.ts';
import { podResource, resourcePath } from './find-resource.ts';
import { lastApplied } from './last-applied.ts';

/* kubectl, pkg/describe/describe.go, describePod. */

function writeHead(text: DescribeText, { metadata, spec, status }: Pod): void {
  text.line(0, `Name:\t${metadata.name}`);
  text.line(0, `Namespace:\t${metadata.namespace ?? ''}`);
  const account = spec.serviceAccountName ?? '';
  if (account !== '') text.line(0, `Service Account:\t${account}`);
  const node = spec.nodeName ?? '';
  text.line(0, `Node:\t${node === '' ? '<none>' : `${node}/${status?.hostIP ?? ''}`}`);
  if (status?.startTime !== undefined) text.line(0, `Start Time:\t${formatDate(status.startTime)}`);
  writeMap(text, 'Labels', metadata.labels);
  const { [lastApplied]: _, ...annotations } = metadata.annotations ?? {};
  writeAnnotations(text, annotations);
  if (metadata.deletionTimestamp === undefined) text.line(0, `Status:\t${status?.phase ?? ''}`);
  else {
    text.line(0, `Status:\tTerminating (lasts ${ageOf(metadata.deletionTimestamp, Date.now())})`);
    text.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`);
  }
  if ((status?.reason ?? '') !== '') text.line(0, `Reason:\t${status?.reason}`);
  if ((status?.message ?? '') !== '') text.line(0, `Message:\t${status?.message}`);
  text.line(0, `IP:\t${status?.podIP ?? ''}`);
  const ips = status?.podIPs ?? [];
  if (ips.length === 0) text.line(0, 'IPs:\t<none>');
  else {
    text.line(0, 'IPs:');
    for (const { ip } of ips) text.line(1, `IP:\t${ip}`);
  }
}

function volumeLines({ emptyDir, hostPath }: Volume): readonly string[] {
  if (hostPath !== undefined) {
    return [
      'Type:\tHostPath (bare host directory volume)',
      `Path:\t${hostPath.path}`,
      `HostPathType:\t${hostPath.type ?? ''}`,
    ];
  }
  if (emptyDir === undefined) return ['<unknown>'];
  return [
    "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)",
    `Medium:\t${emptyDir.medium ?? ''}`,
    `SizeLimit:\t${emptyDir.sizeLimit ?? '<unset>'}`,
  ];
}

function writeVolumes(text: DescribeText, volumes: readonly Volume[]): void {
  if (volumes.length === 0) {
    text.line(0, 'Volumes:\t<none>');
    return;
  }
  text.line(0, 'Volumes:');
  for (const volume of volumes) {
    text.line(1, `${volume.name}:`);
    for (const line of volumeLines(volume)) text.line(2, line);
  }
}

function writeConditions(text: DescribeText, { status }: Pod): void {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return;
  text.line(0, 'Conditions:\n  Type\tStatus');
  for (const { type, status: value } of conditions) text.line(1, `${type} \t${value} `);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function writeTolerations(text: DescribeText, { tolerations = [] }: Pod['spec']): void {
  const sorted = tolerations.toSorted((a, b) => compareTexts(a.key ?? '', b.key ?? ''));
  const lines = sorted.map(({ key = '', operator, value = '', effect = '', tolerationSeconds }) => {
    const head = `${key}${value === '' ? '' : `=${value}`}${effect === '' ? '' : `:${effect}`}`;
    const exists =
      operator === 'Exists' && value === '' ? (key === '' && effect === '' ? 'op=Exists' : ' op=Exists') : '';
    return `${head}${exists}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
  });
  text.list('Tolerations', lines);
}

function writeEvents(text: DescribeText, events: readonly Event[], now: number): void {
  if (events.length === 0) {
    text.line(0, 'Events:\t<none>');
    return;
  }
  text.line(0, 'Events:\n  Type\tReason\tAge\tFrom\tMessage');
  text.line(1, '----\t------\t----\t----\t-------');
  for (const event of events) {
    const { type, reason, count = 1, firstTimestamp, lastTimestamp, message, source } = event;
    const last = ageOf(lastTimestamp, now);
    const age = count > 1 ? `${last} (x${count} over ${ageOf(firstTimestamp, now)})` : last;
    text.line(
      1,
      `${type ?? ''}\t${reason ?? ''}\t${age}\t${source?.component ?? ''}\t${(message ?? '').trim()}`,
    );
  }
}

function podText(pod: Pod, events: readonly Event[], now: number): string {
  const text = new DescribeText();
  const { spec, status } = pod;
  writeHead(text, pod);
  if ((spec.initContainers ?? []).length > 0)
    describeContainers(text, 'Init Containers', {
      containers: spec.initContainers ?? [],
      statuses: status?.initContainerStatuses ?? [],
      pod,
    });
  describeContainers(text, 'Containers', {
    containers: spec.containers,
    statuses: status?.containerStatuses ?? [],
    pod,
  });
  writeConditions(text, pod);
  writeVolumes(text, spec.volumes ?? []);
  text.line(0, `QoS Class:\t${status?.qosClass ?? qosClassOf(pod)}`);
  writeMap(text, 'Node-Selectors', spec.nodeSelector);
  writeTolerations(text, spec);
  writeEvents(text, events, now);
  return text.toString();
}

/**
 * Everything about a pod, with its events, as `kubectl describe pod` writes it.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND
 */
export async function describePod(
  client: ApiClient,
  name: string,
  options: { readonly namespace?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const { namespace = 'default', signal } = options;
  const pod = (await client.call(resourcePath(podResource, { namespace, name }), { signal })).value as Pod;
  const selector = {
    'involvedObject.name': name,
    'involvedObject.namespace': namespace,
    'involvedObject.uid': pod.metadata.uid ?? '',
  };
  const fieldSelector = Object.entries(selector)
    .map(([field, value]) => `${field}=${value}`)
    .join(',');
  const path = resourcePath({ root: '/api/v1', resource: 'events', namespaced: true }, { namespace });
  const events = (await client.call(path, { query: { fieldSelector }, signal })).value as ApiList<Event>;
  const byTime = [...events.items].sort((a, b) =>
    (a.lastTimestamp ?? '').localeCompare(b.lastTimestamp ?? ''),
  );
  return podText(pod, byTime, Date.now());
}
