import { Flags } from '@oclif/core';
import { formatTable } from './table.ts';
import { formatTemplate } from './template.ts';

export const formatFlag = Flags.string({
  description: 'json (one object a line), table, or a template such as {{.ID}}',
  helpValue: 'json|table|TEMPLATE',
});

export interface ListColumn<Row> {
  readonly title: string;
  cell(row: Row): string;
}

/** The lines of a list: a table, one JSON object a line, or a template filled for each row. */
export function listLines<Row extends object>(
  rows: readonly Row[],
  columns: readonly ListColumn<Row>[],
  format: string | undefined,
): string[] {
  if (format === 'json') return rows.map(row => JSON.stringify(row));
  if (format !== undefined && format !== 'table') {
    const [head, template = ''] = format.startsWith('table ') ? ['table', format.slice(6)] : ['', format];
    if (head === '') return rows.map(row => formatTemplate(template, row));
    const fields = template.split(/\\t|\t/);
    const titles = fields.map(field => field.replaceAll(/[{}.\s]/g, '').toUpperCase());
    return formatTable(
      titles,
      rows.map(row => fields.map(field => formatTemplate(field, row))),
    );
  }
  return formatTable(
    columns.map(({ title }) => title),
    rows.map(row => columns.map(column => column.cell(row))),
  );
}

/** The text of an inspect: an indented JSON array, or the template filled for each value, a line each. */
export function inspectLines(values: readonly object[], format: string | undefined): string[] {
  if (format === undefined) return [JSON.stringify(values, undefined, 4)];
  if (format === 'json') return [JSON.stringify(values)];
  return values.map(value => formatTemplate(format, value));
}
