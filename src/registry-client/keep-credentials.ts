import { realpath, stat } from 'node:fs/promises';
import { HawserError } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import {
  type AuthEntry,
  type AuthFile,
  dockerConfigPath,
  type Environment,
  hubKey,
  readJsonObject,
} from './auth-file.ts';
import { eraseFromHelper, storeInHelper } from './credential-helper.ts';

/** A file of credentials that is written to. */
export interface CredentialTarget {
  readonly path: string;
  /** Whether Docker Hub goes by Docker's long key, or by `docker.io` as in podman's files. */
  readonly isDocker: boolean;
}

/** Where a login goes: `--authfile`, `$REGISTRY_AUTH_FILE`, else Docker's config.json. */
export function credentialTarget(env: Environment, authfile?: string): CredentialTarget {
  const path = authfile ?? env.REGISTRY_AUTH_FILE;
  return path === undefined ? { path: dockerConfigPath(env), isDocker: true } : { path, isDocker: false };
}

function keyOf({ isDocker }: CredentialTarget, domain: string): string {
  return domain === 'docker.io' && isDocker ? hubKey : domain;
}

function helperOf(file: Omit<AuthFile, 'path'>, key: string, domain: string): string | undefined {
  const found = file.credHelpers?.[key] ?? file.credHelpers?.[domain] ?? file.credsStore;
  return found === '' ? undefined : found;
}

/** The form that docker login writes; a link to a file elsewhere stays one. */
async function replaceAuths(
  path: string,
  file: object,
  auths: Readonly<Record<string, AuthEntry>>,
): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  const text = `${JSON.stringify({ ...file, auths }, undefined, '\t')}\n`;
  await writeFileAtomic(isThere ? await realpath(path) : path, text, { mode: 0o600 });
}

function requirePlainName(username: string): void {
  if (username !== '' && !/[:\r\n]/.test(username)) return;
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(username)} is no name for a user`, {
    remedy: 'Use one without colons.',
  });
}

export interface Login {
  readonly username: string;
  readonly password: string;
  /** Kept in the password's place, as docker login does. */
  readonly identityToken?: string | undefined;
}

/**
 * Keeps a registry's password for later commands, and for docker or podman: in the credential helper that the file names,
 * else in the file, readable for its owner only. All else in the file stays.
 *
 * @returns where it is: the helper's program, or the file's path
 */
export async function keepCredentials(
  target: CredentialTarget,
  domain: string,
  { username, password, identityToken }: Login,
): Promise<string> {
  requirePlainName(username);
  const key = keyOf(target, domain);
  const file = ((await readJsonObject(target.path)) ?? {}) as Omit<AuthFile, 'path'>;
  const helper = helperOf(file, key, domain);
  const isToken = identityToken !== undefined;
  if (helper !== undefined) {
    const secret = isToken ? { username: '<token>', secret: identityToken } : { username, secret: password };
    await storeInHelper(helper, key, secret);
  }
  const auth = Buffer.from(`${username}:${isToken ? '' : password}`).toString('base64');
  const entry = isToken ? { auth, identitytoken: identityToken } : { auth };
  await replaceAuths(target.path, file, { ...file.auths, [key]: helper === undefined ? entry : {} });
  return helper === undefined ? target.path : `docker-credential-${helper}`;
}

/**
 * Forgets what a login has left for a registry, or for all of them.
 *
 * @returns the registries that there was something for
 */
export async function forgetCredentials(
  target: CredentialTarget,
  domain: string | undefined,
): Promise<string[]> {
  const file = (await readJsonObject(target.path)) as Omit<AuthFile, 'path'> | undefined;
  if (file === undefined) return [];
  const known = Object.keys(file.auths ?? {});
  const key = domain === undefined ? undefined : keyOf(target, domain);
  const wanted = key === undefined ? known : [key];
  const forgotten = new Set(known.filter(name => wanted.includes(name)));
  for (const name of wanted) {
    const helper = helperOf(file, name, name === hubKey ? 'docker.io' : name);
    if (helper !== undefined && (await eraseFromHelper(helper, name))) forgotten.add(name);
  }
  const auths = Object.fromEntries(
    Object.entries(file.auths ?? {}).filter(([name]) => !wanted.includes(name)),
  );
  await replaceAuths(target.path, file, auths);
  return [...forgotten];
}
