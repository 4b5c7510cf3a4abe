import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { HawserError } from '../../errors/hawser-error.ts';
import { type ConfigNode, type ConfigOrigin, childPath } from './config-node.ts';

/** Bytes and nesting that no honest configuration has. */
const SIZE_LIMIT = 1 << 20;
const DEPTH_LIMIT = 20;

interface Source {
  readonly text: string;
  /** The origin of what stands at `offset`. */
  originAt(offset: number | undefined): ConfigOrigin;
}

function sourceOfFile(text: string, file: string, lines: LineCounter): Source {
  const all = text.split('\n');
  return {
    text,
    originAt(offset) {
      const { line, col } = lines.linePos(offset ?? 0);
      return { file, line: Math.max(1, line), column: Math.max(1, col), excerpt: [all[line - 1] ?? ''] };
    },
  };
}

/** @throws HawserError REGISTRY_CONFIG_INVALID with the line */
export function parseConfigFile(text: string, file: string): ConfigNode {
  const lines = new LineCounter();
  return parse(sourceOfFile(text, file, lines), { path: '', lines });
}

/** The value of an environment variable, which is YAML too. @throws HawserError REGISTRY_CONFIG_INVALID */
export function parseConfigVariable(text: string, variable: string, path: string): ConfigNode {
  return parse({ text, originAt: () => ({ variable }) }, { path });
}

function syntaxError(origin: ConfigOrigin, problem: string): HawserError {
  if ('variable' in origin) {
    return new HawserError('REGISTRY_CONFIG_INVALID', `${origin.variable}: ${problem}`, {
      remedy: 'The value is YAML: put it into quotes.',
    });
  }
  return new HawserError('REGISTRY_CONFIG_INVALID', problem, { location: origin });
}

function parse(source: Source, at: { readonly path: string; readonly lines?: LineCounter }): ConfigNode {
  const origin = source.originAt(0);
  if (source.text.length > SIZE_LIMIT) throw syntaxError(origin, `more than ${SIZE_LIMIT} characters`);
  const document = parseDocument(source.text, {
    version: '1.2',
    prettyErrors: false,
    ...(at.lines === undefined ? {} : { lineCounter: at.lines }),
  });
  const [problem] = document.errors;
  if (problem !== undefined) throw syntaxError(source.originAt(problem.pos[0]), problem.message);
  return nodeOf(document.contents, { source, path: at.path, depth: 0, parent: origin });
}

interface Place {
  readonly source: Source;
  readonly path: string;
  readonly depth: number;
  readonly parent: ConfigOrigin;
}

function nodeOf(node: Node | null, place: Place): ConfigNode {
  const { path, source } = place;
  const origin =
    node?.range === undefined || node.range === null ? place.parent : source.originAt(node.range[0]);
  if (place.depth > DEPTH_LIMIT) throw syntaxError(origin, 'nested too deep');
  const below = (child: unknown, key: string | number, parent = origin) =>
    nodeOf((child ?? null) as Node | null, {
      ...place,
      path: childPath(path, key),
      depth: place.depth + 1,
      parent,
    });
  if (isAlias(node)) throw syntaxError(origin, 'aliases are not read');
  if (isMap(node)) {
    const entries = new Map<string, ConfigNode>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw syntaxError(origin, 'a key must be a word');
      const at = key.range === undefined || key.range === null ? origin : source.originAt(key.range[0]);
      entries.set(String(key.value), below(value, String(key.value), at));
    }
    return { path, origin, value: { kind: 'map', entries } };
  }
  if (isSeq(node)) {
    const items = node.items.map((item, index) => below(item, index));
    return { path, origin, value: { kind: 'list', items } };
  }
  if (!isScalar(node) || node.value === null) return { path, origin, value: { kind: 'nothing' } };
  const isQuoted = node.type !== 'PLAIN';
  const text = isQuoted ? String(node.value) : (node.source ?? String(node.value));
  return { path, origin, value: { kind: 'scalar', text, isQuoted } };
}
