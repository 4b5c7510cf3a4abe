import { HawserError } from '../errors/hawser-error.ts';
import {
  type AuthEntry,
  type AuthFile,
  authFilePaths,
  type Environment,
  hubKey,
  readAuthFile,
} from './auth-file.ts';
import { getFromHelper } from './credential-helper.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token for the token server (`identitytoken`, or a helper's user `<token>`). */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token for the registry itself. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** Finds the credentials of a registry; undefined for none. */
export type CredentialSource = (domain: string, repositoryPath: string) => Promise<Credentials | undefined>;

/** Keys under which the credentials of a repository may stand, the most specific first. */
function keysOf(domain: string, path: string): string[] {
  const parts = path.split('/');
  const below = parts.map((_, index) => [domain, ...parts.slice(0, parts.length - index)].join('/'));
  const hub = domain === 'docker.io' ? [hubKey, 'index.docker.io', 'registry-1.docker.io'] : [];
  return [...below, domain, ...hub];
}

function lookUp(auths: Readonly<Record<string, AuthEntry>>, keys: readonly string[]): AuthEntry | undefined {
  for (const key of keys) {
    const entry = auths[key] ?? auths[`https://${key}`] ?? auths[`http://${key}`] ?? auths[`https://${key}/`];
    if (entry !== undefined && Object.keys(entry).length > 0) return entry;
  }
  return undefined;
}

function ofEntry(entry: AuthEntry, path: string): Credentials | undefined {
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') {
    return { kind: 'identity-token', token: entry.identitytoken };
  }
  if (entry.registrytoken !== undefined && entry.registrytoken !== '') {
    return { kind: 'registry-token', token: entry.registrytoken };
  }
  if (entry.auth === undefined || entry.auth === '') {
    const { username, password } = entry;
    return username === undefined || password === undefined
      ? undefined
      : { kind: 'password', username, password };
  }
  const text = Buffer.from(entry.auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new HawserError('INVALID_ARGUMENT', `${path} has an "auth" that is not base64 of user:password`);
  return {
    kind: 'password',
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ''),
  };
}

async function askHelper(suffix: string, key: string): Promise<Credentials | undefined> {
  const found = await getFromHelper(suffix, key);
  if (found === undefined) return undefined;
  if (found.username === '<token>') return { kind: 'identity-token', token: found.secret };
  return { kind: 'password', username: found.username, password: found.secret };
}

/** The order of docker/cli: the host's own helper, the store for all hosts, what stands in the file itself. */
async function ofFile(file: AuthFile, domain: string, path: string): Promise<Credentials | undefined> {
  const key = domain === 'docker.io' ? hubKey : domain;
  const helper = file.credHelpers?.[key] ?? file.credHelpers?.[domain];
  if (helper !== undefined) return askHelper(helper, key);
  const { credsStore = '' } = file;
  const kept = credsStore === '' ? undefined : await askHelper(credsStore, key);
  if (kept !== undefined) return kept;
  const entry = lookUp(file.auths ?? {}, keysOf(domain, path));
  return entry === undefined ? undefined : ofEntry(entry, file.path);
}

/**
 * The credentials that `docker login` and `podman login` have left: `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json`,
 * podman's auth.json, `~/.dockercfg`; helpers as in Docker.
 */
export function storedCredentials(env: Environment): CredentialSource {
  return async (domain, path) => {
    for (const candidate of authFilePaths(env)) {
      const file = await readAuthFile(candidate);
      const found = file === undefined ? undefined : await ofFile(file, domain, path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
