import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { arch, release } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../errors/hawser-error.ts';
import { chooseRuntime } from '../runtime/choose-runtime.ts';
import { runnableArchitectures } from '../runtime/emulation.ts';
import { findProgram } from '../runtime/find-program.ts';
import { requirePlugins } from '../runtime/network/cni.ts';
import type { Roots } from '../util/roots.ts';
import { isInUserNamespace, mappedIds } from '../util/user-namespace.ts';
import { openSnapshots } from './prepare-image.ts';

/** One part of the machine, as `system doctor` shows it. */
export interface MachinePart {
  readonly part: string;
  /** `ok`; `limited` where hawser does without; `missing` where a command will not work. */
  readonly state: 'ok' | 'limited' | 'missing';
  /** What was chosen, or is not there. */
  readonly choice: string;
  readonly reason: string;
  /** What to do, e.g. which Debian package brings it. */
  readonly remedy?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Looks at what hawser stands on, and says what it has chosen and why. */
export async function examineMachine(roots: Roots, env: Environment): Promise<readonly MachinePart[]> {
  return [
    examineUser(),
    examineStore(roots),
    await examineSnapshots(roots),
    ...(await examineRuntime(roots, env)),
    examinePlatforms(),
    examineProgram('conmon', { package: 'conmon', for: 'container run', env }),
    examineNetwork(),
    examineCgroups(),
    examineProgram('git', { package: 'git', for: 'builds from git repositories', env, optional: true }),
  ];
}

function examineUser(): MachinePart {
  const uid = process.getuid?.() ?? 0;
  const ids = mappedIds();
  if (ids !== undefined) return examineMappedUser(ids);
  if (uid === 0) {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    const reason = `effective capabilities ${effective}`;
    // CAP_SYS_ADMIN, capabilities(7)
    const mayMount = ((BigInt(`0x${effective ?? '0'}`) >> 21n) & 1n) === 1n;
    if (mayMount) return { part: 'user', state: 'ok', choice: 'root', reason };
    return {
      part: 'user',
      state: 'limited',
      choice: 'root without CAP_SYS_ADMIN',
      reason: `${reason}: nothing can be mounted`,
    };
  }
  return {
    part: 'user',
    state: 'limited',
    choice: `uid ${uid}`,
    reason: 'files of an image cannot get their owners',
    remedy: 'Run as root, or allow user namespaces: docs/rootless.md.',
  };
}

/** In the user namespace that hawser has made for itself, or that the container has. */
function examineMappedUser(ids: 'range' | 'one'): MachinePart {
  const part = 'user';
  if (ids === 'range') {
    return {
      part,
      state: 'ok',
      choice: 'user namespace',
      reason: 'a plain user with a range of ids (rootless)',
    };
  }
  return {
    part,
    state: 'limited',
    choice: 'user namespace of one id',
    reason: "all files of an image are root's; USER, --chown and package managers that change users fail",
    remedy: 'Give the user a range in /etc/subuid and /etc/subgid, and install uidmap.',
  };
}

function examineStore({ root }: Roots): MachinePart {
  const folder = [root, join(root, '..'), '/'].find(path => existsSync(path)) ?? '/';
  const { bavail, blocks, bsize } = statfsSync(folder);
  const free = Math.floor((bavail / Math.max(1, blocks)) * 100);
  const reason = `${free}% of its file system is free (${Math.floor((bavail * bsize) / 1e6)} MB)`;
  if (free >= 5) return { part: 'store', state: 'ok', choice: root, reason };
  const remedy = 'Free space: hawser system df, hawser system prune.';
  return { part: 'store', state: 'limited', choice: root, reason, remedy };
}

async function examineSnapshots(roots: Roots): Promise<MachinePart> {
  try {
    const { kind } = await openSnapshots(roots);
    if (kind === 'overlay') {
      const reason = `overlays can be mounted in ${join(roots.root, 'snapshots')}`;
      return { part: 'snapshotter', state: 'ok', choice: 'overlay', reason };
    }
    return {
      part: 'snapshotter',
      state: 'limited',
      choice: 'copy',
      reason: 'no overlay can be mounted there: each step copies its tree (by reflink where the disk can)',
      remedy: 'Give the process CAP_SYS_ADMIN, and put HAWSER_ROOT on ext4, xfs, btrfs or tmpfs.',
    };
  } catch (error) {
    return { part: 'snapshotter', state: 'missing', choice: 'none', reason: messageOf(error) };
  }
}

async function examineRuntime(roots: Roots, env: Environment): Promise<readonly MachinePart[]> {
  const { path, tried } = await chooseRuntime({ run: roots.run, env });
  const refused = tried.filter(({ error }) => error !== undefined);
  const because = refused.map(attempt => `${attempt.path}: ${attempt.error}`).join('; ');
  if (path !== undefined) {
    const named = env.HAWSER_RUNTIME === undefined ? 'the first that works' : 'HAWSER_RUNTIME names it';
    const reason = refused.length === 0 ? named : `${named}; ${because}`;
    return [
      { part: 'runtime', state: 'ok', choice: path, reason },
      { part: 'isolation of RUN', state: 'ok', choice: 'oci', reason: `there is a runtime, ${path}` },
    ];
  }
  const missing = refused.length === 0;
  return [
    {
      part: 'runtime',
      state: 'missing',
      choice: 'none',
      reason: missing
        ? `${env.HAWSER_RUNTIME ?? 'runc or crun'} is not installed: no container runs`
        : because,
      remedy: missing ? 'apt-get install runc' : 'Name one that works with HAWSER_RUNTIME.',
    },
    {
      part: 'isolation of RUN',
      state: 'limited',
      choice: 'chroot',
      reason: 'there is no runtime that works: unshare with what the kernel grants',
      ...(findProgram('unshare', env) === undefined ? { remedy: 'apt-get install util-linux' } : {}),
    },
  ];
}

function examinePlatforms(): MachinePart {
  const { native, emulated } = runnableArchitectures();
  const choice = [...native, ...emulated].map(architecture => `linux/${architecture}`).join(', ');
  const reason =
    emulated.length === 0
      ? 'RUN steps of others need an emulator (qemu-user-static and binfmt-support)'
      : `emulated: ${emulated.join(', ')}`;
  return { part: 'platforms', state: 'ok', choice, reason };
}

function examineProgram(
  name: string,
  options: {
    readonly package: string;
    readonly for: string;
    readonly env: Environment;
    readonly optional?: boolean;
  },
): MachinePart {
  const path = findProgram(name, options.env);
  if (path !== undefined) return { part: name, state: 'ok', choice: path, reason: `for ${options.for}` };
  return {
    part: name,
    state: options.optional === true ? 'limited' : 'missing',
    choice: 'none',
    reason: `needed for ${options.for}`,
    remedy: `apt-get install ${options.package}`,
  };
}

function examineNetwork(): MachinePart {
  if (isInUserNamespace()) {
    const reason = 'a plain user has no bridge: steps and containers use the network of the host';
    return { part: 'network', state: 'limited', choice: 'host only', reason };
  }
  try {
    requirePlugins(['bridge', 'host-local', 'portmap'].map(type => ({ type })));
    return {
      part: 'network',
      state: 'ok',
      choice: 'bridge',
      reason: 'CNI plugins bridge, host-local and portmap, and iptables',
    };
  } catch (error) {
    const remedy = 'apt-get install containernetworking-plugins iptables';
    return { part: 'network', state: 'missing', choice: 'host only', reason: messageOf(error), remedy };
  }
}

function examineCgroups(): MachinePart {
  const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const controllers = isUnified
    ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim()
    : ['memory', 'cpu', 'pids'].filter(name => existsSync(`/sys/fs/cgroup/${name}`)).join(' ');
  const choice = isUnified ? 'v2' : 'v1';
  if (controllers !== '')
    return { part: 'cgroups', state: 'ok', choice, reason: `controllers: ${controllers}` };
  return {
    part: 'cgroups',
    state: 'limited',
    choice: 'none',
    reason: 'no controller can be seen: limits of memory and CPU have no effect',
  };
}

/** What `system info` tells beside the parts. */
export interface MachineFacts {
  readonly architecture: string;
  readonly kernel: string;
  readonly node: string;
}

export function machineFacts(): MachineFacts {
  return { architecture: arch(), kernel: release(), node: process.version };
}
