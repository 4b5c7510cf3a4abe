import { formatPlatform, hostPlatform } from '../../image/platform.ts';
import type { BuildOptions } from '../environment.ts';
import { redactUrl } from '../remote/redact-url.ts';
import { type Predicate, slsaPredicateType } from './statement.ts';

/** BuildKit's: the page defines what the fields hold. */
const buildType = 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md';

/** Something that a build took from elsewhere. */
export interface Dependency {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** `--provenance` */
export interface ProvenanceRequest {
  /** `max` tells values of build arguments, names of secrets, and the Dockerfile too. */
  readonly mode: 'min' | 'max';
  readonly builderID?: string;
  readonly reproducible?: boolean;
}

export interface BuildFacts {
  readonly options: BuildOptions;
  /** What the context was fetched from; undefined for a folder of this machine or stdin. */
  readonly source: Dependency | undefined;
  readonly dependencies: readonly Dependency[];
  readonly dockerfile: { readonly path: string; readonly text: string };
  /** Whether no step could reach the network. */
  readonly isHermetic: boolean;
  readonly steps: readonly {
    readonly id: string;
    readonly name: string;
    readonly inputs: readonly string[];
  }[];
  readonly invocation: { readonly id: string; readonly started: Date; readonly finished: Date };
}

/** SLSA provenance: slsa.dev/spec/v1.1/provenance */
export function provenanceOf(request: ProvenanceRequest, facts: BuildFacts): Predicate {
  const { invocation, source, dependencies, dockerfile } = facts;
  const isMax = request.mode === 'max';
  const path = { path: dockerfile.path };
  const value = {
    buildDefinition: {
      buildType,
      externalParameters: {
        configSource: source === undefined ? path : { ...source, ...path },
        request: requestOf(facts, isMax),
      },
      internalParameters: {
        builderPlatform: formatPlatform(hostPlatform()),
        ...(isMax ? { buildConfig: { steps: facts.steps } } : {}),
      },
      resolvedDependencies: dependencies,
    },
    runDetails: {
      builder: { id: request.builderID ?? '' },
      metadata: {
        invocationID: invocation.id,
        startedOn: invocation.started.toISOString(),
        finishedOn: invocation.finished.toISOString(),
        buildkit_metadata: isMax ? { source: sourceOf(dockerfile) } : {},
        buildkit_hermetic: facts.isHermetic,
        buildkit_completeness: { request: isMax, resolvedDependencies: source !== undefined },
        buildkit_reproducible: request.reproducible === true,
      },
    },
  };
  return { type: slsaPredicateType, value };
}

function requestOf({ options, source }: BuildFacts, isMax: boolean): object {
  const { buildArgs = {}, labels = {}, target, secrets = [], agents = [], contexts = {} } = options;
  const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => [`${prefix}:${name}`, value]);
  const args = Object.fromEntries([
    // Values of arguments may be secrets that should have been none: only who asks for all tells them.
    ...(isMax ? [...prefixed('build-arg', buildArgs), ...prefixed('label', labels)] : []),
    ...prefixed('context', Object.fromEntries(Object.entries(contexts).map(([k, v]) => [k, redactUrl(v)]))),
    ...(target === undefined ? [] : [['target', target]]),
  ]);
  return {
    frontend: 'dockerfile.v0',
    args,
    locals: source === undefined ? [{ name: 'context' }, { name: 'dockerfile' }] : [],
    ...(isMax ? { secrets: secrets.map(({ id }) => ({ id })), ssh: agents.map(({ id }) => ({ id })) } : {}),
  };
}

function sourceOf({ path, text }: BuildFacts['dockerfile']): object {
  const data = Buffer.from(text).toString('base64');
  return { infos: [{ filename: path, language: 'Dockerfile', data }] };
}
