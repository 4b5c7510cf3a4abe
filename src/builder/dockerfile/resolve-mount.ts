import type { SourceLocation } from '../../errors/hawser-error.ts';
import { parseCsv } from './csv.ts';
import { dockerfileError, suggestion } from './errors.ts';
import type { Mount, MountFlag, SecretMount } from './mount.ts';

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharings = ['shared', 'private', 'locked'] as const;
const keys = [
  'type',
  'from',
  'source',
  'target',
  'readonly',
  'id',
  'sharing',
  'required',
  'mode',
  'uid',
  'gid',
  'size',
  'env',
  'src',
  'dst',
  'destination',
  'ro',
  'rw',
  'readwrite',
];

export interface MountOptions {
  /** Where the flag stands, for the error. */
  readonly location: () => SourceLocation;
  /** Resolves the variables of one value. */
  readonly expand?: (value: string) => string;
}

/** What the options of a `--mount` say, before defaults. */
interface Draft {
  type: (typeof types)[number];
  from?: string;
  source?: string;
  target?: string;
  id?: string;
  env?: string;
  readonly?: boolean;
  required?: boolean;
  sharing?: (typeof sharings)[number];
  size?: number;
  mode?: number;
  uid?: number;
  gid?: number;
}

/** Finds what is wrong with a `--mount` as far as that does not depend on variables. */
export function checkMount(flag: MountFlag, options: { readonly location: () => SourceLocation }): void {
  const fields = fieldsOf(flag, options);
  for (const field of fields) {
    const [key, value] = cut(field);
    if (key === 'from' && value !== undefined && /\$./.test(value)) {
      throw failure(options, `'from' doesn't support variable expansion, define alias stage instead`);
    }
  }
  if (!flag.word.text.includes('$')) resolveMount(flag, options);
}

/** The mount that a `--mount` asks for. Throws DOCKERFILE_INVALID in BuildKit's words. */
export function resolveMount(flag: MountFlag, options: MountOptions): Mount {
  const draft: Draft = { type: 'bind' };
  for (const field of fieldsOf(flag, options)) {
    const [key, raw] = cut(field);
    const value = raw === undefined ? undefined : (options.expand?.(raw) ?? raw);
    const problem = applyField(draft, { key, value, field });
    if (problem !== undefined) throw failure(options, problem);
  }
  const problem = inconsistency(draft);
  if (problem !== undefined) throw failure(options, problem);
  return finish(draft);
}

function fieldsOf(flag: MountFlag, options: MountOptions): readonly string[] {
  const fields = parseCsv(flag.word.text);
  if (fields === undefined || flag.word.text === '') throw failure(options, 'failed to parse csv mounts');
  return fields;
}

function failure(options: MountOptions, message: string): Error {
  return dockerfileError(
    message,
    options.location(),
    'See https://docs.docker.com/reference/dockerfile/#run---mount.',
  );
}

function cut(field: string): [string, string | undefined] {
  const equals = field.indexOf('=');
  if (equals < 0) return [field.toLowerCase(), undefined];
  return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)];
}

interface Field {
  readonly key: string;
  readonly value: string | undefined;
  readonly field: string;
}

/** Takes one option into the draft; the text of the error where it cannot. */
function applyField(draft: Draft, { key, value, field }: Field): string | undefined {
  if (value === undefined && !['readonly', 'ro', 'readwrite', 'rw', 'required'].includes(key)) {
    return `invalid field '${field}' must be a key=value pair`;
  }
  const text = value ?? 'true';
  switch (key) {
    case 'type':
      return choose(types, text, { found: type => (draft.type = type), what: 'mount type' });
    case 'sharing':
      return choose(sharings, text, { found: sharing => (draft.sharing = sharing), what: 'sharing value' });
    case 'from':
    case 'id':
    case 'env':
      draft[key] = text;
      return undefined;
    case 'source':
    case 'src':
      draft.source = text;
      return undefined;
    case 'target':
    case 'dst':
    case 'destination':
      draft.target = text;
      return undefined;
    default:
      return applyTypedField(draft, { key, value: text, field });
  }
}

function applyTypedField(
  draft: Draft,
  { key, value, field }: Field & { readonly value: string },
): string | undefined {
  switch (key) {
    case 'readonly':
    case 'ro':
    case 'readwrite':
    case 'rw': {
      const flag = parseBoolean(value);
      if (flag === undefined) return `invalid value for ${key}: ${value}`;
      draft.readonly = key.startsWith('readw') || key === 'rw' ? !flag : flag;
      return undefined;
    }
    case 'required':
      if (draft.type !== 'secret' && draft.type !== 'ssh') return wrongType(key, draft.type);
      draft.required = parseBoolean(value);
      return draft.required === undefined ? `invalid value for ${key}: ${value}` : undefined;
    case 'size':
      if (draft.type !== 'tmpfs') return wrongType(key, draft.type);
      draft.size = parseSize(value);
      return draft.size === undefined ? `invalid value for ${key}: ${value}` : undefined;
    case 'mode':
    case 'uid':
    case 'gid': {
      const digits = key === 'mode' ? /^[0-7]+$/ : /^\d+$/;
      const number = digits.test(value) ? Number.parseInt(value, key === 'mode' ? 8 : 10) : Infinity;
      if (number >= 2 ** 32) return `invalid value ${value} for ${key}`;
      draft[key] = number;
      return undefined;
    }
    default:
      return `unexpected key '${key}' in '${field}'${suggestion(key, keys).suffix}`;
  }
}

function wrongType(key: string, type: string): string {
  return `unexpected key '${key}' for mount type '${type}'`;
}

function choose<T extends string>(
  choices: readonly T[],
  value: string,
  options: { readonly found: (choice: T) => void; readonly what: string },
): string | undefined {
  const choice = choices.find(candidate => candidate === value.toLowerCase());
  if (choice === undefined) {
    return `unsupported ${options.what} ${JSON.stringify(value)}${suggestion(value, choices).suffix}`;
  }
  options.found(choice);
  return undefined;
}

/** What Go's strconv.ParseBool takes. */
export function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

/** Bytes of `64m`, `1GiB`, …, all with 1024. */
function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) return undefined;
  const power = ' kmgtp'.indexOf((match[2] ?? '').toLowerCase() || ' ');
  return Math.floor(Number(match[1]) * 1024 ** power);
}

/** What is wrong with the options taken together. */
function inconsistency(draft: Draft): string | undefined {
  const { type } = draft;
  if (type === 'bind' || type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const) {
      if (draft[key] !== undefined) return `${key} not allowed for "${type}" type mounts`;
    }
  }
  if (draft.env !== undefined && type !== 'secret') return wrongType('env', type);
  if (type === 'secret') {
    if (draft.from !== undefined) return 'secret mount should not have a from';
    if (draft.sharing !== undefined) return 'secret mount should not define sharing';
    if (!draft.source && !draft.target && !draft.id)
      return 'invalid secret mount. one of source, target required';
    if (draft.source && draft.id) return "both source and id can't be set";
  }
  if (draft.sharing !== undefined && type !== 'cache') return `invalid cache sharing set for ${type} mount`;
  if (type === 'secret' || type === 'ssh') return undefined;
  return /^\/+(?:\.?\/*)*$/.test(draft.target ?? '')
    ? `invalid mount target ${JSON.stringify(draft.target)}`
    : undefined;
}

/** Fills in the defaults. */
function finish(draft: Draft): Mount {
  const target = draft.target ?? '';
  const from = draft.from === undefined || draft.from === '' ? {} : { from: draft.from };
  const owner = { uid: draft.uid ?? 0, gid: draft.gid ?? 0 };
  const required = draft.required ?? false;
  const isOwned = [draft.mode, draft.uid, draft.gid].some(value => value !== undefined);
  switch (draft.type) {
    case 'bind':
      return { type: 'bind', target, source: draft.source ?? '', ...from, readonly: draft.readonly ?? true };
    case 'cache':
      return {
        type: 'cache',
        target,
        ...(draft.id ? { id: draft.id } : {}),
        source: draft.source ?? '',
        ...from,
        sharing: draft.sharing ?? 'shared',
        readonly: draft.readonly ?? false,
        ...(isOwned ? { owner: { mode: draft.mode ?? 0o755, ...owner } } : {}),
      };
    case 'tmpfs':
      return {
        type: 'tmpfs',
        target,
        ...(draft.size === undefined ? {} : { size: draft.size }),
        readonly: draft.readonly ?? false,
      };
    case 'secret':
      return { type: 'secret', ...secretPlace(draft), required, mode: draft.mode ?? 0o400, ...owner };
    case 'ssh':
      return {
        type: 'ssh',
        id: draft.id || draft.source || 'default',
        ...(target === '' ? {} : { target }),
        required,
        mode: draft.mode ?? 0o600,
        ...owner,
      };
  }
}

/** A secret is a file unless only a variable is asked for. */
function secretPlace(draft: Draft): Pick<SecretMount, 'id' | 'target' | 'env'> {
  const target = draft.target ?? '';
  const id = draft.id || draft.source || baseName(target);
  const env = draft.env ? { env: draft.env } : {};
  if (target !== '') return { id, target, ...env };
  return draft.env ? { id, ...env } : { id, target: `/run/secrets/${baseName(id)}` };
}

function baseName(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}
