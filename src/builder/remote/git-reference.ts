import { HawserError } from '../../errors/hawser-error.ts';
import { redactUrl } from './redact-url.ts';

/** A git repository as ADD, a context or `--build-context` names it. */
export interface GitReference {
  /** What git itself is given. */
  readonly remote: string;
  /** A branch, a tag, a full ref or a commit; undefined for the remote's default branch. */
  readonly ref?: string;
  /** A folder inside, without leading slash. */
  readonly subdir?: string;
  /** How the commit must begin. */
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
  /** Files get the time of the commit instead of that of their checkout. */
  readonly commitTime?: boolean;
}

const scp = /^([a-zA-Z0-9_][a-zA-Z0-9_-]*)@([a-zA-Z0-9][a-zA-Z0-9.-]*):([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;

/**
 * Reads `https://host/repo.git#ref:subdir`, `git@host:repo`, `ssh://…` and `git://…`, with `?ref=…&subdir=…` as an other
 * way to say it. An http URL is one only when its path ends in `.git`. Undefined for anything else.
 *
 * @throws HawserError INVALID_ARGUMENT for a wrong part of one that is a repository
 */
export function parseGitReference(text: string): GitReference | undefined {
  const parts = partsOf(text);
  if (parts === undefined) return undefined;
  const { remote, query, fragment } = parts;
  const [ref = '', ...subdir] = fragment.split(':');
  const plain: GitReference = {
    remote,
    ...(ref === '' ? {} : { ref }),
    ...(subdir.length === 0 || subdir.join(':') === '' ? {} : { subdir: subdir.join(':') }),
  };
  const fail = (why: string): never => {
    throw new HawserError('INVALID_ARGUMENT', `${redactUrl(text)}: ${why}`, {
      remedy: 'Write REPOSITORY.git#REF:SUBDIR, or ?ref=…&subdir=….',
    });
  };
  return checked(withQuery(plain, query, fail), fail);
}

interface Parts {
  readonly remote: string;
  readonly query: string;
  readonly fragment: string;
}

function partsOf(text: string): Parts | undefined {
  const short = scp.exec(text);
  if (short !== null && !text.includes('://')) {
    const [, user, host, path, query = '', fragment = ''] = short;
    return { remote: `${user}@${host}:${path}`, query, fragment };
  }
  if (!/^(?:https?|ssh|git):\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (/^https?:$/.test(url.protocol) && !url.pathname.endsWith('.git')) return undefined;
  const fragment = decoded(url.hash.slice(1));
  const query = url.search.slice(1);
  url.hash = '';
  url.search = '';
  return { remote: url.href, query, fragment };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

type Fail = (why: string) => never;
type Draft = { -readonly [Key in keyof GitReference]: GitReference[Key] };

function withQuery(plain: GitReference, query: string, fail: Fail): GitReference {
  const draft: Draft = { ...plain };
  const values = new URLSearchParams(query);
  for (const key of new Set(values.keys())) {
    const [value = '', ...more] = values.getAll(key);
    if (more.length > 0) fail(`query ${JSON.stringify(key)} has multiple values`);
    if (!flags.has(key) && value === '') fail(`query ${JSON.stringify(key)} has no value`);
    applyQuery(draft, key, value, fail);
  }
  if (values.has('tag') && values.has('branch')) fail('branch conflicts with tag');
  if (draft.checksum !== undefined && draft.ref === undefined) draft.ref = draft.checksum;
  return draft;
}

const flags = new Set(['keep-git-dir', 'submodules', 'fetch-by-commit']);

function applyQuery(draft: Draft, key: string, value: string, fail: Fail): void {
  const set = (field: 'ref' | 'subdir', wanted: string) => {
    const present = draft[field];
    if (present !== undefined && present !== wanted) {
      fail(`${field} conflicts: ${JSON.stringify(present)} vs ${JSON.stringify(wanted)}`);
    }
    draft[field] = wanted;
  };
  switch (key) {
    case 'ref':
    case 'subdir':
      return set(key, value);
    case 'tag':
      return set('ref', value.startsWith('refs/tags/') ? value : `refs/tags/${value}`);
    case 'branch':
      return set('ref', value.startsWith('refs/heads/') ? value : `refs/heads/${value}`);
    case 'checksum':
    case 'commit':
      draft.checksum = value;
      return;
    case 'keep-git-dir':
      draft.keepGitDir = booleanOf(key, value, fail);
      return;
    case 'submodules':
      draft.submodules = booleanOf(key, value, fail);
      return;
    case 'fetch-by-commit': // it is what is done first anyway
      booleanOf(key, value, fail);
      return;
    case 'mtime':
      if (value !== 'checkout' && value !== 'commit') fail(`invalid mtime value: ${JSON.stringify(value)}`);
      draft.commitTime = value === 'commit';
      return;
    default:
      fail(`unexpected query ${JSON.stringify(key)}`);
  }
}

/** Go's strconv.ParseBool; nothing at all is true. */
function booleanOf(key: string, value: string, fail: Fail): boolean {
  if (value === '' || /^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  return fail(`invalid ${key} value: ${JSON.stringify(value)}`);
}

/** What git might take for an option, or what no ref can be, goes no further. git-check-ref-format(1) */
function checked(reference: GitReference, fail: Fail): GitReference {
  const { remote, ref = '', subdir = '', checksum } = reference;
  const unsafe = /[\0-\x20\x7f]/;
  if (unsafe.test(remote)) fail('there is a blank or a control character in it');
  if (ref.startsWith('-') || ref.includes('..') || /[\0-\x20\x7f~^:?*[\\]/.test(ref)) {
    fail(`${JSON.stringify(ref)} is no branch, tag or commit`);
  }
  if (subdir.split('/').includes('..'))
    fail(`the subdir ${JSON.stringify(subdir)} leads out of the repository`);
  if (checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(checksum)) {
    fail(`${JSON.stringify(checksum)} is no beginning of a commit`);
  }
  return reference;
}
