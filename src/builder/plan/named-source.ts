import type { SourceLocation } from '../../errors/hawser-error.ts';
import type { Platform } from '../../image/platform.ts';
import type { BuildContextFiles } from '../execute/context.ts';
import { copyOperation } from '../execute/copy-operation.ts';
import type { Vertex } from '../execute/operation.ts';
import { located } from '../located.ts';
import type { SourceOfCopy } from './line-context.ts';
import type { ResolvedBase } from './plan-build.ts';

/** What `--build-context` says of a name: an image, a folder, or neither for `scratch`. */
export interface NamedSource {
  readonly base?: ResolvedBase;
  readonly context?: BuildContextFiles;
}

export type FindNamed = (
  name: string,
  platform: Platform,
  location: SourceLocation,
) => Promise<NamedSource | undefined>;

interface Names {
  readonly platform: Platform;
  readonly findNamed?: FindNamed;
}

export const scratchVertex: Vertex = { id: 'scratch', name: 'FROM scratch', inputs: [] };

/** What a name of a FROM stands for, where `--build-context` gives it. */
export async function findNamed(
  names: Names,
  name: string,
  use: { readonly platform: Platform; readonly location: SourceLocation },
): Promise<NamedSource | undefined> {
  try {
    return await names.findNamed?.(name, use.platform, use.location);
  } catch (error) {
    throw located(error, use.location);
  }
}

/** The same of a `--from`. */
export async function findSource(
  names: Names,
  from: string,
  location: SourceLocation,
): Promise<SourceOfCopy | undefined> {
  const named = await findNamed(names, from, { platform: names.platform, location });
  if (named === undefined) return undefined;
  const { context, base } = named;
  if (context !== undefined) return { context, name: context.name };
  return { vertex: base?.vertex ?? scratchVertex, name: `the context ${JSON.stringify(from)}` };
}

/** A folder as the first layer of an image. */
export function contextVertex(context: BuildContextFiles): Vertex {
  const operation = copyOperation({
    instruction: 'COPY',
    sources: [{ kind: 'path', path: '/' }],
    target: '/',
    parents: false,
    excludes: [],
    link: false,
    unpack: { paths: false, downloads: false },
    from: context.name,
    context,
  });
  return { id: context.name, name: `FROM ${context.name}`, inputs: [scratchVertex], operation };
}
