import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Flags, type Interfaces } from '@oclif/core';
import { HawserError } from '../errors/hawser-error.ts';
import type { ContainerMount, ContainerRequest, NetworkMode } from '../runtime/container-types.ts';
import { parseMountFlag, parseTmpfsFlag, parseVolumeFlag } from '../runtime/mount-options.ts';
import { parsePortMapping } from '../runtime/network/port-mappings.ts';
import { parseRestartPolicy } from '../runtime/restart-policy.ts';

const several = { multiple: true, multipleNonGreedy: true } as const;

/** The flags of `container run` and `container create` that say what the container is. */
export const containerFlags = {
  name: Flags.string({ description: 'name of the container' }),
  publish: Flags.string({
    char: 'p',
    ...several,
    description: 'publish a port',
    helpValue: '[[IP:]HOST:]PORT[/udp]',
  }),
  volume: Flags.string({
    char: 'v',
    ...several,
    description: 'mount a folder or a named volume',
    helpValue: '[SOURCE:]TARGET[:ro]',
  }),
  mount: Flags.string({
    ...several,
    description: 'mount, in the long form',
    helpValue: 'type=bind,source=…,target=…',
  }),
  tmpfs: Flags.string({ ...several, description: 'mount a tmpfs', helpValue: 'TARGET[:OPTIONS]' }),
  env: Flags.string({
    char: 'e',
    ...several,
    description: 'a variable; of the environment without =VALUE',
    helpValue: 'NAME[=VALUE]',
  }),
  'env-file': Flags.string({ ...several, description: 'variables, one a line', helpValue: 'FILE' }),
  label: Flags.string({ char: 'l', ...several, description: 'a label', helpValue: 'NAME=VALUE' }),
  network: Flags.string({
    aliases: ['net'],
    default: 'bridge',
    description: 'bridge, host, none or container:NAME',
  }),
  hostname: Flags.string({ char: 'h', description: 'host name inside' }),
  'add-host': Flags.string({ ...several, description: 'a line in /etc/hosts', helpValue: 'HOST:ADDRESS' }),
  dns: Flags.string({ ...several, description: 'a name server', helpValue: 'ADDRESS' }),
  user: Flags.string({ char: 'u', description: 'user inside', helpValue: 'NAME|UID[:GROUP|GID]' }),
  workdir: Flags.string({ char: 'w', description: 'working folder inside' }),
  entrypoint: Flags.string({ description: "instead of the image's; empty clears it" }),
  interactive: Flags.boolean({ char: 'i', description: 'keep stdin open' }),
  tty: Flags.boolean({ char: 't', description: 'with a terminal' }),
  restart: Flags.string({
    default: 'no',
    description: 'when it is started again: always, unless-stopped, on-failure[:TIMES]',
    helpValue: 'POLICY',
  }),
  rm: Flags.boolean({ description: 'remove the container when it ends' }),
  privileged: Flags.boolean({ description: 'with every capability that hawser has' }),
  'read-only': Flags.boolean({ description: 'the root file system cannot be written to' }),
  'cap-add': Flags.string({ ...several, description: 'add a capability' }),
  'cap-drop': Flags.string({ ...several, description: 'drop a capability' }),
  memory: Flags.string({ char: 'm', description: 'memory limit', helpValue: '64m' }),
  cpus: Flags.string({ description: 'processors, e.g. 0.5' }),
  'pids-limit': Flags.integer({ description: 'processes at most' }),
  'stop-signal': Flags.string({ description: 'signal that ends it' }),
  'stop-timeout': Flags.integer({ description: 'seconds until SIGKILL' }),
  platform: Flags.string({ description: 'of an index, the image for this platform', helpValue: 'OS/ARCH' }),
  pull: Flags.string({
    options: ['always', 'missing', 'never'],
    default: 'missing',
    description: 'whether to ask the registry',
  }),
  quiet: Flags.boolean({ char: 'q', description: 'no progress of a pull' }),
};

export type ContainerFlags = Interfaces.InferredFlags<typeof containerFlags>;

function wrong(flag: string, value: string, remedy: string): HawserError {
  return new HawserError('INVALID_ARGUMENT', `--${flag} ${JSON.stringify(value)}`, { remedy, exitCode: 125 });
}

/** `64m` → bytes, with Docker's suffixes b, k, m, g (powers of 1024). */
function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmg]?)b?$/i.exec(text);
  if (match === null) throw wrong('memory', text, 'Use a number with b, k, m or g.');
  const power = ['b', 'k', 'm', 'g'].indexOf((match[2] ?? '').toLowerCase() || 'b');
  return Math.floor(Number(match[1]) * 1024 ** power);
}

function environmentOf(flags: ContainerFlags, env: NodeJS.ProcessEnv): string[] {
  const lines = (flags['env-file'] ?? []).flatMap(path =>
    readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter(line => line.trim() !== '' && !line.startsWith('#')),
  );
  return [...lines, ...(flags.env ?? [])].flatMap(entry => {
    if (entry.includes('=')) return [entry];
    const value = env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

function mountsOf(flags: ContainerFlags): ContainerMount[] {
  return [
    ...(flags.volume ?? []).map(text => parseVolumeFlag(text, resolve)),
    ...(flags.mount ?? []).map(text => parseMountFlag(text, resolve)),
    ...(flags.tmpfs ?? []).map(parseTmpfsFlag),
  ];
}

function networkOf(text: string, idOf: (name: string) => string): NetworkMode {
  if (text === 'bridge' || text === 'default') return { kind: 'bridge' };
  if (text === 'host' || text === 'none') return { kind: text };
  if (text.startsWith('container:')) return { kind: 'container', id: idOf(text.slice('container:'.length)) };
  throw wrong('network', text, 'Use bridge, host, none or container:NAME.');
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

function hostsOf(texts: readonly string[]) {
  return texts.map(text => {
    const match = /^([^:=]+)[:=](.+)$/.exec(text);
    if (match === null) throw wrong('add-host', text, 'Use HOST:ADDRESS.');
    return { host: match[1] ?? '', address: (match[2] ?? '').replace(/^\[|\]$/g, '') };
  });
}

function resourcesOf(flags: ContainerFlags): ContainerRequest['resources'] {
  const cpus = flags.cpus === undefined ? undefined : Number(flags.cpus);
  if (cpus !== undefined && !(cpus > 0)) throw wrong('cpus', flags.cpus ?? '', 'Use a number above 0.');
  const pids = flags['pids-limit'];
  return {
    ...(flags.memory === undefined ? {} : { memory: parseBytes(flags.memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined || pids <= 0 ? {} : { pids }),
  };
}

function restartOf({ restart, rm }: ContainerFlags): ContainerRequest['restart'] {
  const policy = parseRestartPolicy(restart);
  if (policy === undefined || !rm) return policy;
  throw wrong('restart', restart, 'Leave out --rm, or --restart: what is removed cannot start again.');
}

/**
 * The request that the flags make, without the image.
 *
 * @param idOf The id of the container with a name, for `--network container:NAME`.
 * @throws HawserError INVALID_ARGUMENT
 */
export function containerRequest(
  flags: ContainerFlags,
  args: readonly string[],
  idOf: (name: string) => string,
): Omit<ContainerRequest, 'image'> {
  const optional: Record<string, unknown> = {
    name: flags.name,
    hostname: flags.hostname,
    user: flags.user,
    workingDir: flags.workdir,
    entrypoint:
      flags.entrypoint === undefined ? undefined : flags.entrypoint === '' ? [] : [flags.entrypoint],
    restart: restartOf(flags),
    stopSignal: flags['stop-signal'],
    stopTimeout: flags['stop-timeout'],
    dns: flags.dns === undefined ? undefined : { servers: flags.dns },
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return {
    ...given,
    args,
    env: environmentOf(flags, process.env),
    labels: labelsOf(flags.label ?? []),
    tty: flags.tty,
    stdin: flags.interactive,
    autoRemove: flags.rm,
    network: networkOf(flags.network, idOf),
    ports: (flags.publish ?? []).flatMap(parsePortMapping),
    mounts: mountsOf(flags),
    extraHosts: hostsOf(flags['add-host'] ?? []),
    resources: resourcesOf(flags) ?? {},
    readOnlyRootfs: flags['read-only'],
    privileged: flags.privileged,
    capabilities: { add: flags['cap-add'] ?? [], drop: flags['cap-drop'] ?? [] },
  };
}
