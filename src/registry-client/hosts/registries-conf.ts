import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { HawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';

/** Which requests a mirror gets. */
export type MirrorUse = 'all' | 'digest-only' | 'tag-only';

export interface MirrorEntry {
  /** `host[:port][/path]` */
  readonly location: string;
  readonly insecure: boolean;
  readonly use: MirrorUse;
}

/** One `[[registry]]`. */
export interface RegistryEntry {
  /** What the names begin with that this is about: `host[:port][/path]`, or `*.domain`. */
  readonly prefix: string;
  /** What stands in the prefix's place; undefined where nothing does. */
  readonly location: string | undefined;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly MirrorEntry[];
}

type Table = Readonly<Record<string, unknown>>;

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads the fields of one table; what has another type is an error that names file and key. */
class Fields {
  readonly #path: string;
  readonly #table: Table;

  constructor(path: string, table: Table) {
    this.#path = path;
    this.#table = table;
  }

  wrong(key: string, what: string): HawserError {
    return new HawserError('INVALID_ARGUMENT', `${this.#path}: ${JSON.stringify(key)} is not ${what}`, {
      remedy: 'See containers-registries.conf(5).',
    });
  }

  text(key: string): string | undefined {
    const value = this.#table[key];
    if (value !== undefined && typeof value !== 'string') throw this.wrong(key, 'a text');
    return value === '' ? undefined : value;
  }

  flag(key: string): boolean {
    const value = this.#table[key] ?? false;
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false');
    return value;
  }

  tables(key: string): readonly Fields[] {
    const value = this.#table[key] ?? [];
    if (!Array.isArray(value) || !value.every(isTable)) throw this.wrong(key, 'a list of tables');
    return value.map(table => new Fields(this.#path, table));
  }
}

function mirrorOf(fields: Fields, digestOnly: boolean): MirrorEntry {
  const location = fields.text('location');
  if (location === undefined) throw fields.wrong('location', 'given for a mirror');
  const use = fields.text('pull-from-mirror') ?? (digestOnly ? 'digest-only' : 'all');
  if (use !== 'all' && use !== 'digest-only' && use !== 'tag-only') {
    throw fields.wrong('pull-from-mirror', 'all, digest-only or tag-only');
  }
  return { location, insecure: fields.flag('insecure'), use };
}

function registryOf(fields: Fields): RegistryEntry {
  const location = fields.text('location');
  const prefix = fields.text('prefix') ?? location;
  if (prefix === undefined) throw fields.wrong('prefix', 'given, nor is "location"');
  const digestOnly = fields.flag('mirror-by-digest-only');
  return {
    prefix: prefix.replace(/\/$/, ''),
    location: location?.replace(/\/$/, ''),
    insecure: fields.flag('insecure'),
    blocked: fields.flag('blocked'),
    mirrors: fields.tables('mirror').map(mirror => mirrorOf(mirror, digestOnly)),
  };
}

/**
 * The registries of one containers-registries.conf(5), version 2. `unqualified-search-registries` and `[aliases]` are passed
 * over: a name without a host is Docker Hub's here, as with docker, whatever the machine.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseRegistriesConf(path: string, text: string): readonly RegistryEntry[] {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const first = messageOf(cause).split('\n')[0];
    throw new HawserError('INVALID_ARGUMENT', `${path} is not TOML: ${first}`, { cause });
  }
  return new Fields(path, value as Table).tables('registry').map(registryOf);
}

async function readIfThere<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/**
 * The registries of a file and of the `*.conf` in folders beside it; a later one with the same prefix takes the place of an
 * earlier one.
 */
export async function readRegistriesConf(
  path: string,
  folders: readonly string[],
): Promise<readonly RegistryEntry[]> {
  const paths = [path];
  for (const folder of folders) {
    const names = (await readIfThere(() => readdir(folder))) ?? [];
    paths.push(
      ...names
        .filter(name => name.endsWith('.conf'))
        .sort()
        .map(name => join(folder, name)),
    );
  }
  const found = new Map<string, RegistryEntry>();
  for (const file of paths) {
    const text = await readIfThere(() => readFile(file, 'utf8'));
    for (const entry of text === undefined ? [] : parseRegistriesConf(file, text))
      found.set(entry.prefix, entry);
  }
  return [...found.values()];
}
