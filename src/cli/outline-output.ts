import type { Outline, OutlineMount } from '../builder/dockerfile/describe/outline.ts';
import type { Target } from '../builder/dockerfile/describe/targets.ts';
import { jsonLocation } from './check-output.ts';

/* What `--call=outline` and `--call=targets` print, in BuildKit's forms (frontend/subrequests). */

/** Columns as wide as their longest cell, `gap` blanks apart. */
function columns(rows: readonly (readonly string[])[], gap: number): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd((widths[column] ?? 0) + gap))
      .join('')
      .trimEnd(),
  );
}

export function outlineLines({ name, description, args, secrets, ssh }: Outline): readonly string[] {
  const mounts = (title: string, found: readonly OutlineMount[]) => [
    [title, 'REQUIRED'],
    ...found.map(mount => [mount.name, mount.required ? 'true' : '']),
  ];
  const lines: string[] = [];
  const add = (rows: readonly (readonly string[])[], gap: number) => lines.push(...columns(rows, gap), '');
  if (name !== undefined || description !== undefined) {
    const rest = description === undefined ? [] : [['DESCRIPTION:', description]];
    add([['TARGET:', name ?? '(default)'], ...rest], 1);
  }
  if (args.length > 0) {
    const rows = args.map(arg => [arg.name, arg.value ?? '', arg.description ?? '']);
    add([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3);
  }
  if (secrets.length > 0) add(mounts('SECRET', secrets), 3);
  if (ssh.length > 0) add(mounts('SSH', ssh), 3);
  return lines;
}

export function outlineJson(outline: Outline, text: string): string {
  const { name, description, args, secrets, ssh } = outline;
  const mounts = (found: readonly OutlineMount[]) =>
    found.map(({ name, required, lines }) => ({
      name,
      ...(required ? { required } : {}),
      location: jsonLocation(lines),
    }));
  const value = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(args.length === 0
      ? {}
      : { args: args.map(({ lines, ...arg }) => ({ ...arg, location: jsonLocation(lines) })) }),
    ...(secrets.length === 0 ? {} : { secrets: mounts(secrets) }),
    ...(ssh.length === 0 ? {} : { ssh: mounts(ssh) }),
    sources: [Buffer.from(text).toString('base64')],
  };
  return JSON.stringify(value, undefined, 2);
}

export function targetsLines(targets: readonly Target[]): readonly string[] {
  const rows = targets.map(({ name, isDefault, description = '' }) => {
    if (!isDefault) return [name ?? '', description];
    return [name === undefined ? '(default)' : `${name} (default)`, description];
  });
  return columns([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

export function targetsJson(targets: readonly Target[], text: string): string {
  const value = {
    targets: targets.map(({ isDefault, lines, name, description, ...rest }) => ({
      ...(name === undefined ? {} : { name }),
      ...(isDefault ? { default: true } : {}),
      ...(description === undefined ? {} : { description }),
      ...rest,
      location: jsonLocation(lines),
    })),
    sources: [Buffer.from(text).toString('base64')],
  };
  return JSON.stringify(value, undefined, 2);
}
