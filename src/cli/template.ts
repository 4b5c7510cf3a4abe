import { HawserError } from '../errors/hawser-error.ts';

/**
 * The part of Go's text/template that `--format` is used with: text, `{{.A.B}}`, `{{json .A}}`, `{{index .A "k"}}`,
 * `{{len .A}}`, `{{join .A ","}}`, `{{upper|lower|println …}}`, and `{{range .A}}…{{end}}`, `{{if .A}}…{{else}}…{{end}}`.
 */
type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly words: readonly string[] }
  | {
      readonly kind: 'range' | 'if';
      readonly words: readonly string[];
      readonly body: Node[];
      readonly orElse: Node[];
    };

function templateError(template: string, why: string): HawserError {
  return new HawserError('INVALID_ARGUMENT', `--format ${JSON.stringify(template)}: ${why}`, {
    remedy: 'Use json, or a template such as {{.ID}}, {{json .Config}} or {{range .Items}}{{.}} {{end}}.',
  });
}

function parseTemplate(template: string): Node[] {
  const root: Node[] = [];
  const open: { node: Extract<Node, { kind: 'range' | 'if' }>; list: Node[] }[] = [];
  const list = () => open.at(-1)?.list ?? root;
  let end = 0;
  for (const match of template.matchAll(/\{\{(-?)\s*(.*?)\s*(-?)\}\}/gs)) {
    let text = template.slice(end, match.index);
    if (match[1] === '-') text = text.trimEnd();
    if (text !== '') list().push({ kind: 'text', text });
    end = match.index + match[0].length;
    if (match[3] === '-') while (/\s/.test(template[end] ?? '')) end++;
    const words = (match[2] ?? '').match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
    const [keyword, ...rest] = words;
    if (keyword === 'end') {
      if (open.pop() === undefined) throw templateError(template, 'unexpected {{end}}');
    } else if (keyword === 'else') {
      const top = open.at(-1);
      if (top === undefined) throw templateError(template, 'unexpected {{else}}');
      top.list = top.node.orElse;
    } else if (keyword === 'range' || keyword === 'if') {
      const node = { kind: keyword, words: rest, body: [], orElse: [] } as const satisfies Node;
      list().push(node);
      open.push({ node, list: node.body });
    } else if (keyword !== undefined) {
      list().push({ kind: 'value', words });
    }
  }
  if (open.length > 0) throw templateError(template, 'a {{range}} or {{if}} has no {{end}}');
  const text = template.slice(end);
  if (text.includes('{{')) throw templateError(template, 'a {{ is not closed');
  if (text !== '') root.push({ kind: 'text', text });
  return root;
}

function field(value: unknown, path: string, template: string): unknown {
  let current = value;
  for (const name of path.split('.').filter(part => part !== '')) {
    if (current === undefined || current === null) return undefined;
    const record = current as Readonly<Record<string, unknown>>;
    const key =
      name in record ? name : Object.keys(record).find(known => known.toLowerCase() === name.toLowerCase());
    if (key === undefined && current === value) {
      throw templateError(template, `there is no field ${name}; there are ${Object.keys(record).join(', ')}`);
    }
    current = key === undefined ? undefined : record[key];
  }
  return current;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .map(([key, item]) => `${key}:${show(item)}`)
      .join(' ')}]`;
  }
  return String(value);
}

const functions: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  json: ([value]) => JSON.stringify(value ?? null),
  len: ([value]) =>
    Array.isArray(value) || typeof value === 'string' ? value.length : Object.keys(value ?? {}).length,
  join: ([value, separator]) =>
    Array.isArray(value) ? value.map(show).join(String(separator ?? '')) : show(value),
  upper: ([value]) => show(value).toUpperCase(),
  lower: ([value]) => show(value).toLowerCase(),
  println: args => `${args.map(show).join(' ')}\n`,
  index: ([value, ...keys]) =>
    keys.reduce<unknown>(
      (inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[String(key)],
      value,
    ),
};

function evaluate(words: readonly string[], dot: unknown, template: string): unknown {
  const argument = (word: string): unknown => {
    if (word.startsWith('"')) return JSON.parse(word) as string;
    if (/^-?\d+$/.test(word)) return Number(word);
    if (word.startsWith('.')) return field(dot, word, template);
    throw templateError(template, `unknown word ${word}`);
  };
  const [head = '', ...rest] = words;
  const call = functions[head];
  if (call !== undefined) return call(rest.map(argument));
  if (rest.length > 0) throw templateError(template, `unknown function ${head}`);
  return argument(head);
}

function truthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function render(nodes: readonly Node[], dot: unknown, template: string): string {
  return nodes
    .map(node => {
      if (node.kind === 'text') return node.text;
      const value = evaluate(node.words, dot, template);
      if (node.kind === 'value') return show(value);
      if (!truthy(value)) return render(node.orElse, dot, template);
      if (node.kind === 'if') return render(node.body, dot, template);
      return Object.values(value as object)
        .map(item => render(node.body, item, template))
        .join('');
    })
    .join('');
}

/** Fills `template` with `value`. @throws HawserError INVALID_ARGUMENT */
export function formatTemplate(template: string, value: unknown): string {
  return render(parseTemplate(template.replaceAll('\\t', '\t').replaceAll('\\n', '\n')), value, template);
}
