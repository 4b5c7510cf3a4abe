import { goJson } from '../../api/go-json.ts';
import type { ApiList, ApiObject } from '../../api/object-meta.ts';
import type { JsonObject, JsonValue } from '../../api/patch/json-value.ts';
import type { Table, TableRow } from '../../api/table.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { type ApiClient } from './api-client.ts';
import { podResource, resourcePath } from './find-resource.ts';
import { yamlText } from './yaml-text.ts';

export type PodOutput = 'table' | 'wide' | 'yaml' | 'json' | 'name';

export interface GetPodsOptions {
  /** Empty: all of them. */
  readonly names: readonly string[];
  /** Default `default`. */
  readonly namespace?: string | undefined;
  readonly allNamespaces?: boolean;
  /** Labels, e.g. `app=nginx`. */
  readonly selector?: string | undefined;
  readonly output?: PodOutput;
  readonly print: (text: string) => void;
  /** Takes what is no result: that there are none. */
  readonly note: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

function namespaceOf(options: GetPodsOptions): string | undefined {
  return options.allNamespaces === true ? undefined : (options.namespace ?? 'default');
}

/** The answers of a list, or of one GET for each name. */
async function fetchAll(
  client: ApiClient,
  options: GetPodsOptions,
  accept?: string,
): Promise<readonly unknown[]> {
  const namespace = namespaceOf(options);
  const { names, selector, signal } = options;
  if (names.length > 0 && namespace === undefined) {
    throw new HawserError('INVALID_ARGUMENT', 'a pod cannot be named across all namespaces', {
      remedy: 'Name its namespace with -n.',
    });
  }
  const call = { ...(accept === undefined ? {} : { accept }), signal };
  if (names.length === 0) {
    const query = { labelSelector: selector };
    return [(await client.call(resourcePath(podResource, { namespace }), { ...call, query })).value];
  }
  const answers: unknown[] = [];
  for (const name of names) {
    answers.push((await client.call(resourcePath(podResource, { namespace, name }), call)).value);
  }
  return answers;
}

/** Rows as kubectl aligns them: three blanks between columns, none after the last. */
function formatRows(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('   '),
  );
}

function cellsOf(row: TableRow, columns: readonly number[], allNamespaces: boolean): readonly string[] {
  const cells = columns.map(column => String(row.cells[column] ?? ''));
  return allNamespaces ? [row.object?.metadata.namespace ?? '', ...cells] : cells;
}

function tableLines(tables: readonly Table[], options: GetPodsOptions): readonly string[] {
  const definitions = tables[0]?.columnDefinitions ?? [];
  const shown = [...definitions.keys()].filter(
    column => definitions[column]?.priority === 0 || options.output === 'wide',
  );
  const titles = shown.map(column => (definitions[column]?.name ?? '').toUpperCase());
  const all = options.allNamespaces === true;
  const rows = tables.flatMap(table => table.rows.map(row => cellsOf(row, shown, all)));
  return rows.length === 0 ? [] : formatRows([all ? ['NAMESPACE', ...titles] : titles, ...rows]);
}

function noPods(options: GetPodsOptions): string {
  if (options.allNamespaces === true) return 'No resources found';
  return `No resources found in ${options.namespace ?? 'default'} namespace.`;
}

/** One object as it is, several (or a list) as a List, as kubectl prints them. */
function documentOf(answers: readonly unknown[], names: readonly string[]): JsonObject {
  const [first] = answers as readonly JsonObject[];
  if (names.length === 1 && first !== undefined) return first;
  const items = (names.length === 0 ? first?.['items'] : answers) as readonly JsonValue[];
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } };
}

/**
 * Prints pods, as `kubectl get pods`.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND, OBJECT_INVALID (a wrong selector)
 */
export async function getPods(client: ApiClient, options: GetPodsOptions): Promise<void> {
  const { output = 'table', names, print } = options;
  if (output === 'table' || output === 'wide') {
    const lines = tableLines((await fetchAll(client, options, tableAccept)) as readonly Table[], options);
    if (lines.length === 0) options.note(noPods(options));
    for (const line of lines) print(line);
    return;
  }
  const answers = await fetchAll(client, options);
  if (output === 'name') {
    const objects = (names.length === 0 ? (answers[0] as ApiList).items : answers) as readonly ApiObject[];
    for (const { metadata } of objects) print(`pod/${metadata.name}`);
    return;
  }
  const document = documentOf(answers, names);
  if (output === 'json') {
    print(goJson(document, 4));
    return;
  }
  print((await yamlText(document)).trimEnd());
}
