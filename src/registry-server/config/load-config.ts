import { readFile } from 'node:fs/promises';
import { HawserError, messageOf } from '../../errors/hawser-error.ts';
import type { ConfigNode } from './config-node.ts';
import { applyEnvironment } from './environment.ts';
import { parseConfigFile } from './parse-yaml.ts';
import { type RegistryConfig, readConfig, sections } from './schema.ts';

export interface LoadedConfig {
  readonly config: RegistryConfig;
  /** What the log should tell at the start: keys without effect, with the reason, and variables of nobody. */
  readonly notes: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

function load(root: ConfigNode, env: Environment): LoadedConfig {
  const notes: string[] = [];
  const applied = applyEnvironment(root, env, new Set(Object.keys(sections)));
  for (const variable of applied.foreign) {
    notes.push(`${variable}: no section of the configuration has that name; it is not used`);
  }
  const note = (path: string, reason: string) => notes.push(`${path} changes nothing: ${reason}`);
  return { config: readConfig(applied.root, { note }), notes };
}

/**
 * Reads a configuration file of registry:2, and the `REGISTRY_*` variables over it. Each key is honoured, or refused with
 * the reason.
 *
 * @throws HawserError REGISTRY_CONFIG_INVALID, NOT_FOUND, PERMISSION_DENIED
 */
export async function loadConfigFile(file: string, env: Environment): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new HawserError(
      'NOT_FOUND',
      `read the configuration ${JSON.stringify(file)}: ${messageOf(error)}`,
      {
        cause: error,
        remedy: 'Name a readable file.',
      },
    );
  }
  return load(parseConfigFile(text, file), env);
}

/** The configuration of a registry without a file: `defaults`, as YAML, and the `REGISTRY_*` variables over it. */
export function configOfEnvironment(defaults: string, env: Environment): LoadedConfig {
  return load(parseConfigFile(defaults, 'built-in configuration'), env);
}
