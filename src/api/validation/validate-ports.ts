import type { ContainerPort, PodSpec } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { duplicate, invalidValue, notSupported, required } from './field-error.ts';

const portRange = 'must be between 1 and 65535, inclusive';
const protocols = ['SCTP', 'TCP', 'UDP'];

/** RFC 6335, "Service Name": what a port may be called. */
function wrongPortName(name: string): readonly string[] {
  return [
    ...(name.length > 15 ? ['must be no more than 15 characters'] : []),
    ...(/^[-a-z0-9]+$/.test(name)
      ? []
      : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(name) ? [] : ['must contain at least one letter (a-z)']),
    ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
  ];
}

/** A port by its number, or by the name of one. */
export function validatePortReference(
  port: number | string | undefined,
  field: string,
): readonly StatusCause[] {
  if (typeof port === 'string') return wrongPortName(port).map(why => invalidValue(field, port, why));
  const number = port ?? 0;
  return number < 1 || number > 65_535 ? [invalidValue(field, number, portRange)] : [];
}

function validatePort(port: ContainerPort, field: string): readonly StatusCause[] {
  const { containerPort = 0, hostPort = 0, name = '', protocol = 'TCP' } = port;
  return [
    ...(name === '' ? [] : wrongPortName(name)).map(why => invalidValue(`${field}.name`, name, why)),
    ...(containerPort === 0
      ? [required(`${field}.containerPort`)]
      : validatePortReference(containerPort, `${field}.containerPort`)),
    ...(hostPort === 0 ? [] : validatePortReference(hostPort, `${field}.hostPort`)),
    ...(protocols.includes(protocol) ? [] : [notSupported(`${field}.protocol`, protocol, protocols)]),
  ];
}

export function validatePorts(ports: readonly ContainerPort[], field: string): readonly StatusCause[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const { name = '' } = port;
    const causes = [...validatePort(port, `${field}[${index}]`)];
    if (name !== '' && names.has(name)) causes.push(duplicate(`${field}[${index}].name`, name));
    names.add(name);
    return causes;
  });
}

/** Ports of the host that two containers want, and those that hostNetwork gives another number. */
export function validateHostPorts(spec: PodSpec): readonly StatusCause[] {
  const taken = new Set<string>();
  return spec.containers.flatMap(({ ports }, container) =>
    (ports ?? []).flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP', containerPort }, port) => {
      const field = `spec.containers[${container}].ports[${port}].hostPort`;
      const causes: StatusCause[] = [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (hostPort !== 0 && taken.has(key)) causes.push(duplicate(field, key));
      taken.add(key);
      if (spec.hostNetwork === true && hostPort !== containerPort) {
        const text = 'must match `containerPort` when `hostNetwork` is true';
        causes.push(invalidValue(field, hostPort, text));
      }
      return causes;
    }),
  );
}
