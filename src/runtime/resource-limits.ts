import { readFileSync } from 'node:fs';
import { HawserError } from '../errors/hawser-error.ts';
import { hostCapabilities } from './oci/capabilities.ts';
import type { OciProcess, OciResources } from './oci/oci-types.ts';

/** setrlimit(2); `undefined` is without limit. */
export interface ResourceLimit {
  /** As in Docker and prlimit(1), e.g. `nofile`. */
  readonly name: string;
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/** What a step may use at most. */
export interface StepLimits {
  /** Bytes of /dev/shm; default 64 MiB. */
  readonly shmSize?: number;
  readonly ulimits?: readonly ResourceLimit[];
  /** The cgroup below which that of the step lies. */
  readonly cgroupParent?: string;
  /** Bytes */
  readonly memory?: number;
  /** Processors, e.g. 0.5 */
  readonly cpus?: number;
}

/** Names, and what /proc/self/limits calls them. */
const limitLabels: Readonly<Record<string, string>> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

/** Those of setrlimit(2) by their numbers, which are the same on amd64 and arm64. */
const limitNumbers =
  'cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime'.split(
    ' ',
  );

/** `struct rlimit`, and the number of what it limits. */
export function rlimitOf({ name, soft, hard }: ResourceLimit): {
  readonly resource: number;
  readonly limit: Buffer;
} {
  const limit = Buffer.alloc(16, 0xff);
  if (soft !== undefined) limit.writeBigUInt64LE(BigInt(soft), 0);
  if (hard !== undefined) limit.writeBigUInt64LE(BigInt(hard), 8);
  return { resource: limitNumbers.indexOf(name), limit };
}

export const limitNames: readonly string[] = Object.keys(limitLabels);

/** The hard limit of this process, which is that of a step; undefined without limit. */
function ownHardLimit(name: string): number | undefined {
  const label = limitLabels[name] ?? name;
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find(text => text.startsWith(`${label} `));
  const [, hard = 'unlimited'] = line?.slice(label.length).trim().split(/\s+/) ?? [];
  return hard === 'unlimited' ? undefined : Number(hard);
}

/** @throws HawserError PERMISSION_DENIED for a limit above that of hawser, where it may not be raised */
export function checkLimits(limits: readonly ResourceLimit[]): void {
  if (limits.length === 0 || hostCapabilities().includes('CAP_SYS_RESOURCE')) return;
  for (const { name, hard } of limits) {
    const own = ownHardLimit(name);
    if (own === undefined || (hard !== undefined && hard <= own)) continue;
    throw new HawserError(
      'PERMISSION_DENIED',
      `--ulimit ${name}=${hard ?? 'unlimited'} is above the ${own} that hawser has, and it may not raise it`,
      { remedy: `Use at most ${own}, or run hawser with CAP_SYS_RESOURCE.` },
    );
  }
}

/** Stands for RLIM_INFINITY, which is beyond what a JavaScript number can say. */
const INFINITE = Number.MAX_SAFE_INTEGER;

/** For `process.rlimits` of an OCI spec; `specText` writes it. */
export function ociLimits(limits: readonly ResourceLimit[]): NonNullable<OciProcess['rlimits']> {
  return limits.map(({ name, soft, hard }) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: soft ?? INFINITE,
    hard: hard ?? INFINITE,
  }));
}

/** A spec as JSON. */
export function specText(spec: object): string {
  return JSON.stringify(spec).replaceAll(`:${INFINITE}`, ':18446744073709551615');
}

/** Words before a command that set the limits: prlimit(1) of util-linux. */
export function prlimitWords(program: string, limits: readonly ResourceLimit[]): readonly string[] {
  if (limits.length === 0) return [];
  const text = (value: number | undefined) => (value === undefined ? 'unlimited' : String(value));
  return [program, ...limits.map(({ name, soft, hard }) => `--${name}=${text(soft)}:${text(hard)}`)];
}

const CPU_PERIOD = 100_000;

/** For `linux.resources` of an OCI spec. */
export function ociResources({ memory, cpus }: StepLimits): Omit<OciResources, 'devices'> {
  return {
    ...(memory === undefined ? {} : { memory: { limit: memory } }),
    ...(cpus === undefined ? {} : { cpu: { quota: Math.round(cpus * CPU_PERIOD), period: CPU_PERIOD } }),
  };
}

/**
 * @param where E.g. `under chroot`.
 * @throws HawserError UNSUPPORTED for what only an OCI runtime of root's holds a step to
 */
export function refuseCgroupLimits({ memory, cpus, cgroupParent }: StepLimits, where: string): void {
  const wanted =
    memory !== undefined
      ? '--resource memory'
      : cpus !== undefined
        ? '--resource cpus'
        : cgroupParent !== undefined
          ? '--cgroup-parent'
          : undefined;
  if (wanted === undefined) return;
  throw new HawserError('UNSUPPORTED', `${wanted}: a step ${where} has no cgroup of its own`, {
    remedy: `Use runc (--isolation oci) as root, or leave ${wanted} out.`,
  });
}
