import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

export interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Docker's config.json and podman's auth.json, as far as they are about credentials. */
export interface AuthFile {
  readonly path: string;
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What Docker Hub is called in config.json. */
export const hubKey = 'https://index.docker.io/v1/';

/** `$DOCKER_CONFIG/config.json` */
export function dockerConfigPath(env: Environment): string {
  return join(env.DOCKER_CONFIG ?? join(env.HOME ?? homedir(), '.docker'), 'config.json');
}

/** The files that may hold credentials, in the order in which they are asked. */
export function authFilePaths(env: Environment): string[] {
  const home = env.HOME ?? homedir();
  return [
    ...(env.REGISTRY_AUTH_FILE === undefined ? [] : [env.REGISTRY_AUTH_FILE]),
    dockerConfigPath(env),
    ...(env.XDG_RUNTIME_DIR === undefined ? [] : [join(env.XDG_RUNTIME_DIR, 'containers/auth.json')]),
    ...(process.getuid?.() === 0 ? ['/run/containers/0/auth.json'] : []),
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'containers/auth.json'),
    join(home, '.dockercfg'),
  ];
}

/** A JSON object in a file; undefined where there is none. @throws HawserError INVALID_ARGUMENT */
export async function readJsonObject(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
  if (text.trim() === '') return {};
  const wrong = (cause?: unknown) =>
    new HawserError('INVALID_ARGUMENT', `${path} is not a JSON object`, { cause, remedy: 'Mend the file.' });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong();
  return value as Readonly<Record<string, unknown>>;
}

export async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  const value = await readJsonObject(path);
  if (value === undefined) return undefined;
  // The oldest form has no level above the hosts.
  if (path.endsWith('.dockercfg')) return { path, auths: value as Readonly<Record<string, AuthEntry>> };
  return { ...(value as Omit<AuthFile, 'path'>), path };
}
