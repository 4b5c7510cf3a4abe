import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseCsv } from '../builder/dockerfile/csv.ts';
import type { BuildOptions } from '../builder/environment.ts';
import type { SecretSource } from '../builder/execute/mounts/secrets.ts';
import type { SshSource } from '../builder/execute/mounts/ssh-forward.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { nearest } from '../util/nearest.ts';

/** `NAME=value`, or `NAME` for what the environment has under that name. */
export function parseAssignments(
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? env[text] : text.slice(equals + 1);
    if (name === '') {
      throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} has no name`, {
        remedy: 'Use NAME=VALUE.',
      });
    }
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/**
 * `id=ID[,src=FILE|,env=NAME]`; with an id alone, the variable of that name, else the file.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
function parseSecret(text: string, env: Readonly<Record<string, string | undefined>>): SecretSource {
  const wrong = (why: string) =>
    new HawserError('INVALID_ARGUMENT', `--secret ${JSON.stringify(text)}: ${why}`, {
      remedy: 'Use id=ID,src=FILE or id=ID,env=NAME.',
    });
  const fields = new Map<string, string>();
  for (const field of parseCsv(text) ?? []) {
    const equals = field.indexOf('=');
    if (equals < 0) throw wrong(`${JSON.stringify(field)} is not KEY=VALUE`);
    const key = field.slice(0, equals).toLowerCase();
    if (!['type', 'id', 'src', 'source', 'env'].includes(key))
      throw wrong(`unknown field ${JSON.stringify(key)}`);
    fields.set(key === 'source' ? 'src' : key, field.slice(equals + 1));
  }
  const id = fields.get('id') ?? '';
  const type = fields.get('type');
  if (id === '') throw wrong('it has no id');
  if (type !== undefined && type !== 'file' && type !== 'env')
    throw wrong(`unknown type ${JSON.stringify(type)}`);
  const [file, variable] = [fields.get('src'), fields.get('env')];
  if (variable !== undefined) return { id, env: variable };
  if (type === 'env') return { id, env: file ?? id };
  if (file === undefined && type === undefined && env[id] !== undefined) return { id, env: id };
  const path = resolve(file ?? id);
  if (!existsSync(path)) throw wrong(`there is no file ${JSON.stringify(file ?? id)}`);
  return { id, file: path };
}

/**
 * `ID[=SOCKET|=KEY[,KEY]]`, e.g. `default`, which is the agent of SSH_AUTH_SOCK.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
function parseSsh(text: string, env: Readonly<Record<string, string | undefined>>): SshSource {
  const wrong = (why: string, remedy = 'Use ID, ID=SOCKET or ID=KEY[,KEY].') =>
    new HawserError('INVALID_ARGUMENT', `--ssh ${JSON.stringify(text)}: ${why}`, { remedy });
  const equals = text.indexOf('=');
  const id = equals < 0 ? text : text.slice(0, equals);
  const named = equals < 0 ? [] : text.slice(equals + 1).split(',');
  if (id === '') throw wrong('it has no id');
  const agent = env.SSH_AUTH_SOCK ?? '';
  const paths = (named.length === 0 ? [agent] : named).filter(path => path !== '').map(path => resolve(path));
  if (paths.length === 0) throw wrong('no agent runs', 'Start ssh-agent, and set SSH_AUTH_SOCK.');
  const missing = paths.find(path => !existsSync(path));
  if (missing !== undefined) throw wrong(`there is no ${JSON.stringify(missing)}`);
  const sockets = paths.filter(path => statSync(path).isSocket());
  if (sockets.length > 1 || (sockets.length === 1 && paths.length > 1))
    throw wrong('only one socket can stand for an id');
  return sockets[0] === undefined ? { id, keys: paths } : { id, socket: sockets[0] };
}

const entitlements = ['network.host', 'security.insecure', 'device'];

/** @throws HawserError INVALID_ARGUMENT for a right that is none */
function parseAllow(text: string): string {
  if (entitlements.includes(text) || text.startsWith('device=')) return text;
  const near = nearest(text, entitlements);
  throw new HawserError('INVALID_ARGUMENT', `--allow ${JSON.stringify(text)} is no right of a build`, {
    remedy: near === undefined ? `Use one of ${entitlements.join(', ')}.` : `Did you mean ${near}?`,
  });
}

/** What the flags of `build` give to RUN steps. @throws HawserError INVALID_ARGUMENT */
export function parseStepFlags(
  flags: Readonly<Partial<Record<'secret' | 'ssh' | 'allow' | 'add-host', readonly string[] | undefined>>>,
  env: Readonly<Record<string, string | undefined>>,
): Pick<BuildOptions, 'secrets' | 'agents' | 'allow' | 'extraHosts'> {
  return {
    secrets: (flags.secret ?? []).map(text => parseSecret(text, env)),
    agents: (flags.ssh ?? []).map(text => parseSsh(text, env)),
    allow: (flags.allow ?? []).map(parseAllow),
    extraHosts: (flags['add-host'] ?? []).map(parseAddHost),
  };
}

/** `HOST:ADDRESS` of --add-host; builds use the host's network, where `host-gateway` is the loopback. */
function parseAddHost(text: string): { readonly host: string; readonly address: string } {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (match === null) {
    throw new HawserError('INVALID_ARGUMENT', `--add-host ${JSON.stringify(text)}`, {
      remedy: 'Use HOST:ADDRESS.',
    });
  }
  const address = (match[2] ?? '').replace(/^\[|\]$/g, '');
  return { host: match[1] ?? '', address: address === 'host-gateway' ? '127.0.0.1' : address };
}

/** SOURCE_DATE_EPOCH: seconds since 1970, https://reproducible-builds.org/specs/source-date-epoch/, or BuildKit's `context`. */
export function sourceDateEpoch(
  text: string | undefined,
  name = 'SOURCE_DATE_EPOCH',
): { readonly sourceDateEpoch?: number | 'context' } {
  if (text === undefined || text === '') return {};
  if (text === 'context') return { sourceDateEpoch: text };
  if (!/^\d{1,12}$/.test(text)) {
    throw new HawserError('INVALID_ARGUMENT', `${name} ${JSON.stringify(text)} is not a number of seconds`, {
      remedy: 'Give whole seconds since 1970; git or context for the time of the commit that is built.',
    });
  }
  return { sourceDateEpoch: Number(text) };
}
