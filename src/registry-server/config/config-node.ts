import { HawserError, type SourceLocation } from '../../errors/hawser-error.ts';

/** Where a value was written: a line of the file, or an environment variable. */
export type ConfigOrigin = SourceLocation | { readonly variable: string };

/** A scalar keeps the text that was written, since `0123` may be meant as a word. */
export interface ConfigScalar {
  readonly kind: 'scalar';
  readonly text: string;
  /** Whether it was written in quotes, so that it is a word whatever it looks like. */
  readonly isQuoted: boolean;
}

export type ConfigValue =
  | { readonly kind: 'nothing' }
  | ConfigScalar
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, ConfigNode> }
  | { readonly kind: 'list'; readonly items: readonly ConfigNode[] };

/** A value of the configuration and where it came from. */
export interface ConfigNode {
  /** E.g. `http.tls.key`; empty for the whole. */
  readonly path: string;
  readonly origin: ConfigOrigin;
  readonly value: ConfigValue;
}

export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** A key that is left out, below `parent`. */
export function missingNode(parent: ConfigNode, key: string): ConfigNode {
  return { path: childPath(parent.path, key), origin: parent.origin, value: { kind: 'nothing' } };
}

/** An error at a value of the configuration. */
export function configError(node: ConfigNode, problem: string, remedy?: string): HawserError {
  const { origin, path } = node;
  const what = path === '' ? 'the configuration' : path;
  if ('variable' in origin) {
    return new HawserError('REGISTRY_CONFIG_INVALID', `${origin.variable}: ${what}: ${problem}`, { remedy });
  }
  return new HawserError('REGISTRY_CONFIG_INVALID', `${what}: ${problem}`, { remedy, location: origin });
}
