import type { ObjectMeta } from './object-meta.ts';

/** meta/v1 Table: what `kubectl get` prints. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: 'string' | 'integer';
  readonly format: string;
  readonly description: string;
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: number;
}

export type TableCell = string | number;

export interface TableRow {
  readonly cells: readonly TableCell[];
  readonly object?: { readonly kind: string; readonly apiVersion: string; readonly metadata: ObjectMeta };
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: { readonly resourceVersion?: string };
  readonly columnDefinitions: readonly ColumnDefinition[];
  readonly rows: readonly TableRow[];
}

/** Columns by name; `*` before one that only `-o wide` shows, `#` before numbers. */
export function columnsOf(...names: readonly string[]): readonly ColumnDefinition[] {
  return names.map(text => {
    const [, marks = '', name = ''] = /^([*#]*)(.*)$/.exec(text) ?? [];
    return {
      name,
      type: marks.includes('#') ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: marks.includes('*') ? 1 : 0,
    };
  });
}
