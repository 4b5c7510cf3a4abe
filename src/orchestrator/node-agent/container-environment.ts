import type { Container, EnvVar, Pod } from '../../api/pod.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { expandVariables } from './expand-variables.ts';

/** What a pod's fields may say of the node and the network when its containers start. */
export interface PodPlace {
  readonly hostIP: string;
  /** Empty where the pod has none. */
  readonly podIP: string;
}

function mapText(map: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

/**
 * The value of a downward API field (Kubernetes, "Downward API", available fields).
 *
 * @throws HawserError OBJECT_INVALID for a field that is not offered
 */
export function fieldValue(pod: Pod, fieldPath: string, place: PodPlace): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = (subscript[1] === 'labels' ? metadata.labels : metadata.annotations) ?? {};
    const key = subscript[2] ?? '';
    return Object.hasOwn(map, key) ? (map[key] ?? '') : '';
  }
  const values: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? 'default',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => mapText(metadata.labels),
    'metadata.annotations': () => mapText(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? '',
    'spec.serviceAccountName': () => spec.serviceAccountName ?? 'default',
    'status.podIP': () => place.podIP,
    'status.podIPs': () => place.podIP,
    'status.hostIP': () => place.hostIP,
    'status.hostIPs': () => place.hostIP,
  };
  const value = Object.hasOwn(values, fieldPath) ? values[fieldPath] : undefined;
  if (value === undefined) {
    throw new HawserError(
      'OBJECT_INVALID',
      `the field path ${JSON.stringify(fieldPath)} is not offered to containers`,
      {
        remedy: `Use one of ${Object.keys(values).join(', ')}, metadata.labels['KEY'] or metadata.annotations['KEY'].`,
      },
    );
  }
  return value();
}

function notOffered(what: string): HawserError {
  return new HawserError('OBJECT_INVALID', `${what} is not offered yet`, {
    remedy: 'Use value or valueFrom.fieldRef.',
  });
}

function valueOf(
  variable: EnvVar,
  known: ReadonlyMap<string, string>,
  context: readonly [Pod, PodPlace],
): string {
  const [pod, place] = context;
  const fieldPath = variable.valueFrom?.fieldRef?.fieldPath;
  if (fieldPath !== undefined) return fieldValue(pod, fieldPath, place);
  if (variable.valueFrom !== undefined) throw notOffered(`the source of the variable ${variable.name}`);
  return expandVariables(variable.value ?? '', known);
}

/**
 * The variables of a container in order; a value may use those before it.
 *
 * @throws HawserError OBJECT_INVALID
 */
export function containerEnvironment(
  container: Container,
  pod: Pod,
  place: PodPlace,
): ReadonlyMap<string, string> {
  if ((container.envFrom ?? []).length > 0) throw notOffered('envFrom');
  const variables = new Map<string, string>();
  for (const variable of container.env ?? []) {
    variables.set(variable.name, valueOf(variable, variables, [pod, place]));
  }
  return variables;
}
