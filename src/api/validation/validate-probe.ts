import type { Container, Lifecycle, LifecycleHandler, Probe } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-error.ts';
import { validatePortReference } from './validate-ports.ts';

const schemes = ['HTTP', 'HTTPS'];

type Handler = Probe & LifecycleHandler;
type HandlerName = 'exec' | 'httpGet' | 'tcpSocket' | 'grpc' | 'sleep';

const handlerChecks: Readonly<
  Record<HandlerName, (handler: Handler, field: string) => readonly StatusCause[]>
> = {
  exec: ({ exec }, field) => ((exec?.command ?? []).length === 0 ? [required(`${field}.command`)] : []),
  httpGet: ({ httpGet }, field) => {
    const { path = '', port, scheme = 'HTTP' } = httpGet ?? {};
    return [
      ...(path === '' ? [required(`${field}.path`)] : []),
      ...validatePortReference(port, `${field}.port`),
      ...(schemes.includes(scheme) ? [] : [notSupported(`${field}.scheme`, scheme, schemes)]),
    ];
  },
  tcpSocket: ({ tcpSocket }, field) => validatePortReference(tcpSocket?.port, `${field}.port`),
  grpc: ({ grpc }, field) => validatePortReference(grpc?.port, `${field}.port`),
  sleep: ({ sleep }, field) => {
    const seconds = sleep?.seconds ?? 0;
    const text = 'must be greater than or equal to 0';
    return seconds < 0 ? [invalidValue(`${field}.seconds`, seconds, text)] : [];
  },
};

function validateHandler(handler: Handler, field: string): readonly StatusCause[] {
  const given = (Object.keys(handlerChecks) as HandlerName[]).filter(name => handler[name] !== undefined);
  const [first, ...others] = given;
  if (first === undefined) return [required(field, 'must specify a handler type')];
  return [
    ...handlerChecks[first](handler, `${field}.${first}`),
    ...others.map(name => forbiddenField(`${field}.${name}`, 'may not specify more than 1 handler type')),
  ];
}

const numbers = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: Probe, field: string, name: ProbeName): readonly StatusCause[] {
  const causes = [...validateHandler(probe, field)];
  for (const number of numbers) {
    const value = probe[number] ?? 0;
    const text = 'must be greater than or equal to 0';
    if (value < 0) causes.push(invalidValue(`${field}.${number}`, value, text));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && name === 'readinessProbe') {
    const text = 'must not be set for readinessProbes';
    causes.push(invalidValue(`${field}.terminationGracePeriodSeconds`, grace, text));
  } else if (grace !== undefined && grace <= 0) {
    causes.push(invalidValue(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  const threshold = probe.successThreshold ?? 1;
  if (name !== 'readinessProbe' && threshold !== 1)
    causes.push(invalidValue(`${field}.successThreshold`, threshold, 'must be 1'));
  return causes;
}

const probeNames = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
type ProbeName = (typeof probeNames)[number];

function validateLifecycle(lifecycle: Lifecycle, field: string): readonly StatusCause[] {
  return (['postStart', 'preStop'] as const).flatMap(hook => {
    const handler = lifecycle[hook];
    return handler === undefined ? [] : validateHandler(handler, `${field}.${hook}`);
  });
}

/** Probes and hooks, which init containers have only where they run on. */
export function validateProbes(
  container: Container,
  field: string,
  options: { readonly init: boolean },
): readonly StatusCause[] {
  if (options.init && container.restartPolicy !== 'Always') {
    const text = 'may not be set for init containers without restartPolicy=Always';
    return (['lifecycle', ...probeNames] as const)
      .filter(name => container[name] !== undefined)
      .map(name => forbiddenField(`${field}.${name}`, text));
  }
  const { lifecycle } = container;
  return [
    ...(lifecycle === undefined ? [] : validateLifecycle(lifecycle, `${field}.lifecycle`)),
    ...probeNames.flatMap(name => {
      const probe = container[name];
      return probe === undefined ? [] : validateProbe(probe, `${field}.${name}`, name);
    }),
  ];
}
