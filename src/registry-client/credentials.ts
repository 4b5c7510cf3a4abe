import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token for the token server (`identitytoken`, or a helper's user `<token>`). */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token for the registry itself. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** Finds the credentials of a registry; undefined for none. */
export type CredentialSource = (domain: string, repositoryPath: string) => Promise<Credentials | undefined>;

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

interface AuthFile {
  readonly path: string;
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What Docker Hub is called in config.json. */
const hubKey = 'https://index.docker.io/v1/';

function candidates(env: Environment): string[] {
  const home = env.HOME ?? homedir();
  return [
    ...(env.REGISTRY_AUTH_FILE === undefined ? [] : [env.REGISTRY_AUTH_FILE]),
    join(env.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json'),
    ...(env.XDG_RUNTIME_DIR === undefined ? [] : [join(env.XDG_RUNTIME_DIR, 'containers/auth.json')]),
    ...(process.getuid?.() === 0 ? ['/run/containers/0/auth.json'] : []),
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'containers/auth.json'),
  ];
}

async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
  try {
    return { ...(JSON.parse(text) as Omit<AuthFile, 'path'>), path };
  } catch (cause) {
    throw new HawserError('INVALID_ARGUMENT', `${path} is not JSON`, {
      cause,
      remedy: 'Mend the file, or log in again.',
    });
  }
}

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

/** Asks `docker-credential-<suffix> get`; a failure is an error and never a reason to try another host's credentials. */
async function askHelper(suffix: string, key: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${suffix}`;
  const { code, stdout } = await new Promise<{ code: number | null; stdout: string }>((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (out.length < 1 << 20) out += chunk;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${key}\n`);
    child.once('error', cause =>
      reject(
        new HawserError('REQUIREMENT_MISSING', `the credential helper ${program} cannot be run`, { cause }),
      ),
    );
    child.once('close', ended => resolve({ code: ended, stdout: out }));
  });
  if (/credentials not found/i.test(stdout)) return undefined;
  if (code !== 0)
    throw new HawserError('UNAUTHORIZED', `${program} failed for ${key}: ${stdout.trim().slice(0, 200)}`);
  const answer = JSON.parse(stdout) as { Username?: string; Secret?: string };
  if (answer.Secret === undefined) return undefined;
  if (answer.Username === '<token>') return { kind: 'identity-token', token: answer.Secret };
  return { kind: 'password', username: answer.Username ?? '', password: answer.Secret };
}

async function ofFile(file: AuthFile, domain: string, path: string): Promise<Credentials | undefined> {
  const key = domain === 'docker.io' ? hubKey : domain;
  const helper = file.credHelpers?.[key] ?? file.credHelpers?.[domain];
  if (helper !== undefined) return askHelper(helper, key);
  const entry = lookUp(file.auths ?? {}, keysOf(domain, path));
  const stored = entry === undefined ? undefined : ofEntry(entry, file.path);
  if (stored !== undefined) return stored;
  return file.credsStore === undefined ? undefined : askHelper(file.credsStore, key);
}

/**
 * The credentials that `docker login` and `podman login` have left: `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json`,
 * podman's auth.json; helpers as in Docker.
 */
export function storedCredentials(env: Environment): CredentialSource {
  return async (domain, path) => {
    for (const candidate of candidates(env)) {
      const file = await readAuthFile(candidate);
      const found = file === undefined ? undefined : await ofFile(file, domain, path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
