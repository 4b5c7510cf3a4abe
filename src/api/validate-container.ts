import { duplicate, fieldNotFound, invalidValue, notSupported, required } from './field-error.ts';
import { wrongLabelName } from './names.ts';
import type { Container, ContainerPort, EnvVar, VolumeMount } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import type { StatusCause } from './status.ts';

/* Containers of pods: kubernetes, pkg/apis/core/validation/validation.go, with its texts. */

const portRange = 'must be between 1 and 65535, inclusive';
const protocols = ['TCP', 'UDP', 'SCTP'];

function wrongPort(port: unknown): boolean {
  return typeof port !== 'number' || port < 1 || port > 65_535;
}

/** RFC 6335, "Service Name": what a port may be called. */
function wrongPortName(name: string): string | undefined {
  if (name.length > 15) return 'must be no more than 15 characters';
  if (!/^[-a-z0-9]+$/.test(name)) {
    return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  }
  if (!/[a-z]/.test(name)) return 'must contain at least one letter (a-z)';
  if (name.includes('--')) return 'must not contain consecutive hyphens';
  return /^-|-$/.test(name) ? 'must not begin or end with a hyphen' : undefined;
}

function validatePort(port: ContainerPort, field: string): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const { containerPort, hostPort = 0, name, protocol } = port;
  const wrongName = name === undefined ? undefined : wrongPortName(name);
  if (wrongName !== undefined) causes.push(invalidValue(`${field}.name`, name, wrongName));
  if (containerPort === undefined || containerPort === 0) causes.push(required(`${field}.containerPort`));
  else if (wrongPort(containerPort))
    causes.push(invalidValue(`${field}.containerPort`, containerPort, portRange));
  if (hostPort !== 0 && wrongPort(hostPort))
    causes.push(invalidValue(`${field}.hostPort`, hostPort, portRange));
  if (protocol !== undefined && !protocols.includes(protocol))
    causes.push(notSupported(`${field}.protocol`, protocol, protocols));
  return causes;
}

function validatePorts(ports: readonly ContainerPort[], field: string): readonly StatusCause[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const causes = [...validatePort(port, `${field}[${index}]`)];
    if (port.name !== undefined && names.has(port.name))
      causes.push(duplicate(`${field}[${index}].name`, port.name));
    if (port.name !== undefined) names.add(port.name);
    return causes;
  });
}

function validateVariable({ name, value = '', valueFrom }: EnvVar, field: string): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  if (name === undefined || name === '') causes.push(required(`${field}.name`));
  else if (name.includes('=') || !/^[ -~]+$/.test(name)) {
    const text =
      "a valid environment variable name must consist only of printable ASCII characters other than '='";
    causes.push(invalidValue(`${field}.name`, name, text));
  }
  if (valueFrom === undefined) return causes;
  const sources = Object.keys(valueFrom).length;
  if (sources === 0) {
    causes.push(
      invalidValue(
        `${field}.valueFrom`,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`',
      ),
    );
  } else if (value !== '') {
    causes.push(invalidValue(`${field}.valueFrom`, '', 'may not be specified when `value` is not empty'));
  } else if (sources > 1) {
    causes.push(
      invalidValue(`${field}.valueFrom`, '', 'may not have more than one field specified at a time'),
    );
  }
  return causes;
}

function validateMounts(
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  field: string,
): readonly StatusCause[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name, mountPath, subPath }, index) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (name === undefined || name === '') causes.push(required(`${at}.name`));
    else if (!volumes.has(name)) causes.push(fieldNotFound(`${at}.name`, name));
    if (mountPath === undefined || mountPath === '') causes.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) causes.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (subPath?.startsWith('/') === true)
      causes.push(invalidValue(`${at}.subPath`, subPath, 'must be a relative path'));
    if (subPath?.split('/').includes('..') === true)
      causes.push(invalidValue(`${at}.subPath`, subPath, "must not contain '..'"));
    return causes;
  });
}

function validateResources(
  { limits = {}, requests = {} }: NonNullable<Container['resources']>,
  field: string,
) {
  const causes: StatusCause[] = [];
  for (const [list, values] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, amount] of Object.entries(values)) {
      if (parseQuantity(amount) < 0)
        causes.push(invalidValue(`${field}.${list}[${name}]`, amount, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, amount] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && parseQuantity(amount) > parseQuantity(limit)) {
      const text = `must be less than or equal to ${name} limit of ${limit}`;
      causes.push(invalidValue(`${field}.requests`, amount, text));
    }
  }
  return causes;
}

/** @param context `volumes`: the names that the pod has; `init`: an init container. */
export function validateContainer(
  container: Container,
  field: string,
  context: { readonly volumes: ReadonlySet<string>; readonly init: boolean },
): readonly StatusCause[] {
  const { name = '', image = '', imagePullPolicy, restartPolicy } = container;
  const causes: StatusCause[] = [];
  const wrongName = wrongLabelName(name);
  if (name === '') causes.push(required(`${field}.name`));
  else if (wrongName !== undefined) causes.push(invalidValue(`${field}.name`, name, wrongName));
  if (image === '') causes.push(required(`${field}.image`));
  else if (image !== image.trim())
    causes.push(invalidValue(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  const policies = ['Always', 'IfNotPresent', 'Never'];
  if (imagePullPolicy !== undefined && !policies.includes(imagePullPolicy))
    causes.push(notSupported(`${field}.imagePullPolicy`, imagePullPolicy, policies));
  if (restartPolicy !== undefined && (!context.init || restartPolicy !== 'Always'))
    causes.push(notSupported(`${field}.restartPolicy`, restartPolicy, context.init ? ['Always'] : []));
  return [
    ...causes,
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...(container.env ?? []).flatMap((variable, index) =>
      validateVariable(variable, `${field}.env[${index}]`),
    ),
    ...validateMounts(container.volumeMounts ?? [], context.volumes, `${field}.volumeMounts`),
    ...validateResources(container.resources ?? {}, `${field}.resources`),
  ];
}
