import { existsSync } from 'node:fs';
import { isHawserError } from '../../errors/hawser-error.ts';
import { digestAlgorithm, digestHex } from '../../image/digest.ts';
import type { OpenedContext } from '../context/open-context.ts';
import type { BuildOptions } from '../environment.ts';
import type { Vertex } from '../execute/operation.ts';
import type { RemoteSources } from '../remote/remote-sources.ts';
import type { Bases } from '../resolve-bases.ts';
import type { BuildFacts, Dependency } from './provenance.ts';
import { packageUrl } from './statement.ts';

export interface FactSources {
  readonly options: BuildOptions;
  readonly context: OpenedContext;
  readonly steps: readonly Vertex[];
  readonly bases: Bases;
  /** What ADD fetched. */
  readonly loadRemotes: () => Promise<RemoteSources>;
  /** What the context was fetched by. */
  readonly loadContextRemotes: () => Promise<RemoteSources>;
  readonly invocation: { readonly id: string; readonly started: Date };
}

/** What provenance tells of a build. */
export async function gatherFacts(sources: FactSources): Promise<BuildFacts> {
  const { options, context, steps, bases, invocation } = sources;
  const { path = context.dockerfile.name, bytes } = context.dockerfile;
  const isRemote = options.context !== '-' && !existsSync(options.context);
  const [source] = isRemote ? await (await sources.loadContextRemotes()).dependencies() : [];
  const fetched = await (await sources.loadRemotes()).dependencies();
  return {
    options,
    source,
    dependencies: [...bases.used.map(imageDependency), ...(source === undefined ? [] : [source]), ...fetched],
    dockerfile: { path: options.file ?? path, text: Buffer.from(bytes).toString() },
    isHermetic: steps.every(step => !reachesNetwork(step, options.network)),
    steps: steps.map(({ id, name, inputs }) => ({ id, name, inputs: inputs.map(input => input.id) })),
    invocation: { ...invocation, finished: new Date() },
  };
}

function imageDependency({ name, platform, digest }: Bases['used'][number]): Dependency {
  return { uri: urlOf(), digest: { [digestAlgorithm(digest)]: digestHex(digest) } };

  function urlOf(): string {
    try {
      return packageUrl(name, platform);
    } catch (error) {
      // A name of `--build-context`, which is no reference.
      if (isHawserError(error, 'REFERENCE_INVALID')) return name;
      throw error;
    }
  }
}

function reachesNetwork({ name }: Vertex, network: BuildOptions['network']): boolean {
  const [, flags] = /\] RUN((?:\s+--\S+)*)/i.exec(name) ?? [];
  if (flags === undefined) return false;
  const own = /--network=(\w+)/.exec(flags)?.[1] ?? 'default';
  return (own === 'default' ? network : own) !== 'none';
}
