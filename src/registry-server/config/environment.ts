import { HawserError } from '../../errors/hawser-error.ts';
import { type ConfigNode, childPath } from './config-node.ts';
import { parseConfigVariable } from './parse-yaml.ts';

const PREFIX = 'REGISTRY_';
const ownVariables: ReadonlySet<string> = new Set(['REGISTRY_CONFIGURATION_PATH']);

export interface AppliedEnvironment {
  readonly root: ConfigNode;
  /** Variables that begin like ours and name no section: service links of Kubernetes, mostly. */
  readonly foreign: readonly string[];
}

/**
 * Lays `REGISTRY_<PATH>` over a configuration, as registry:2 does it (configuration/parser.go): words of the path are
 * joined by `_`, the value is YAML, variables apply in the order of their names, so that a general one comes before a
 * special one; items of a list go by number, and the number behind the last one appends.
 *
 * @param sections The keys at the top.
 * @throws HawserError REGISTRY_CONFIG_INVALID
 */
export function applyEnvironment(
  root: ConfigNode,
  env: Readonly<Record<string, string | undefined>>,
  sections: ReadonlySet<string>,
): AppliedEnvironment {
  const foreign: string[] = [];
  let result = root;
  for (const variable of Object.keys(env).sort()) {
    if (!variable.startsWith(PREFIX) || ownVariables.has(variable)) continue;
    const words = variable.slice(PREFIX.length).split('_');
    if (!sections.has((words[0] ?? '').toLowerCase())) {
      foreign.push(variable);
      continue;
    }
    result = place(result, { words, variable, text: env[variable] ?? '' });
  }
  return { root: result, foreign };
}

interface Assignment {
  readonly words: readonly string[];
  readonly variable: string;
  readonly text: string;
}

function place(node: ConfigNode, assignment: Assignment): ConfigNode {
  const { words, variable, text } = assignment;
  const [word, ...rest] = words;
  if (word === undefined) return parseConfigVariable(text, variable, node.path);
  const inner = { words: rest, variable, text };
  const { value } = node;
  const fresh = (key: string | number): ConfigNode => ({
    path: childPath(node.path, key),
    origin: { variable },
    value: { kind: 'nothing' },
  });
  const isIndex = /^\d{1,4}$/.test(word);
  if (value.kind === 'list' || (value.kind === 'nothing' && isIndex)) {
    const items = value.kind === 'list' ? [...value.items] : [];
    const index = isIndex ? Number(word) : -1;
    if (index < 0 || index > items.length) {
      const problem = `${node.path} has ${items.length} items: ${JSON.stringify(word)} is none of them, nor the next`;
      throw new HawserError('REGISTRY_CONFIG_INVALID', `${variable}: ${problem}`);
    }
    items[index] = place(items[index] ?? fresh(index), inner);
    return { ...node, value: { kind: 'list', items } };
  }
  const entries = new Map(value.kind === 'map' ? value.entries : wordAsKey(node));
  const known = [...entries.keys()].find(key => key.toUpperCase() === word.toUpperCase());
  const key = known ?? word.toLowerCase();
  entries.set(key, place(entries.get(key) ?? fresh(key), inner));
  return { ...node, value: { kind: 'map', entries } };
}

/** `storage: inmemory` and `REGISTRY_AUTH=htpasswd` name a kind without parameters, to which others add some. */
function wordAsKey(node: ConfigNode): Iterable<[string, ConfigNode]> {
  if (node.value.kind !== 'scalar') return [];
  const { text } = node.value;
  const child = {
    path: childPath(node.path, text),
    origin: node.origin,
    value: { kind: 'nothing' },
  } as const;
  return [[text, child]];
}
