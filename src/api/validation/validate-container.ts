import { wrongLabelName } from '../names.ts';
import type { Container, VolumeMount } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { fieldNotFound, forbiddenField, invalidValue, notSupported, required } from './field-error.ts';
import { validateEnvironment } from './validate-environment.ts';
import { checkName } from './validate-metadata.ts';
import { validatePorts } from './validate-ports.ts';
import { validateProbes } from './validate-probe.ts';
import { validateResources } from './validate-resources.ts';
import { validateSecurityContext } from './validate-security.ts';
import { validateNoBacksteps } from './validate-volumes.ts';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];

interface ContainerContext {
  /** The names that the pod has. */
  readonly volumes: ReadonlySet<string>;
  readonly init: boolean;
}

function validateSubPath(path: string, field: string): readonly StatusCause[] {
  return [
    ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : []),
    ...validateNoBacksteps(path, field),
  ];
}

function validateMounts(
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  field: string,
): readonly StatusCause[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name = '', mountPath = '', subPath = '' }, index) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    if (!volumes.has(name)) causes.push(fieldNotFound(`${at}.name`, name));
    if (mountPath === '') causes.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) causes.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    return [...causes, ...validateSubPath(subPath, `${at}.subPath`)];
  });
}

function validateImage(image: string, field: string): readonly StatusCause[] {
  if (image === '') return [required(field)];
  if (image === image.trim()) return [];
  return [invalidValue(field, image, 'must not have leading or trailing whitespace')];
}

function validatePolicies(container: Container, field: string, init: boolean): readonly StatusCause[] {
  const { imagePullPolicy = 'Always', terminationMessagePolicy = 'File', restartPolicy } = container;
  const causes: StatusCause[] = [];
  if (!pullPolicies.includes(imagePullPolicy))
    causes.push(notSupported(`${field}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  if (!messagePolicies.includes(terminationMessagePolicy)) {
    const at = `${field}.terminationMessagePolicy`;
    causes.push(notSupported(at, terminationMessagePolicy, messagePolicies));
  }
  if (restartPolicy !== undefined && !init)
    causes.push(forbiddenField(`${field}.restartPolicy`, 'may not be set for non-init containers'));
  else if (restartPolicy !== undefined && restartPolicy !== 'Always')
    causes.push(notSupported(`${field}.restartPolicy`, restartPolicy, ['Always']));
  return causes;
}

export function validateContainer(
  container: Container,
  field: string,
  context: ContainerContext,
): readonly StatusCause[] {
  const { name = '', image = '' } = container;
  const wrongName =
    name === '' ? [required(`${field}.name`)] : checkName(`${field}.name`, name, wrongLabelName);
  return [
    ...wrongName,
    ...validateImage(image, `${field}.image`),
    ...validatePolicies(container, field, context.init),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateEnvironment(container.env ?? [], `${field}.env`),
    ...validateMounts(container.volumeMounts ?? [], context.volumes, `${field}.volumeMounts`),
    ...validateResources(container.resources ?? {}, `${field}.resources`),
    ...validateSecurityContext(container.securityContext ?? {}, `${field}.securityContext`),
    ...validateProbes(container, field, context),
  ];
}
