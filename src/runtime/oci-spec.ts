import type {
  OciDeviceRule,
  OciMount,
  OciNamespace,
  OciProcess,
  OciResources,
  OciSpec,
} from './oci/oci-types.ts';
import { defaultSeccomp } from './oci/seccomp.ts';
import type { ProcessUser } from './users.ts';

export interface SpecOptions {
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: ProcessUser;
  /** Full names, as `containerCapabilities` gives them. */
  readonly capabilities: readonly string[];
  /** In this order, the mount namespace being added; a type that is left out is the host's. */
  readonly namespaces: readonly OciNamespace[];
  /** After the default ones, parents before children. */
  readonly mounts?: readonly OciMount[];
  readonly hostname?: string;
  readonly terminal?: boolean;
  readonly readOnlyRootfs?: boolean;
  readonly privileged?: boolean;
  readonly noNewPrivileges?: boolean;
  readonly cgroupsPath?: string;
  /** Memory, CPU and pids; devices are added here. */
  readonly resources?: Omit<OciResources, 'devices'>;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Of a privileged container: all of the host's. */
  readonly devices?: OciSpec['linux']['devices'];
  readonly seccomp?: boolean;
  /** Bytes of /dev/shm, default 64 MiB. */
  readonly shmSize?: number;
  /** Of the user namespace that hawser is in, if any: there it makes no device, and has no cgroup to put the process in. */
  readonly ids?: 'range' | 'one' | undefined;
  readonly rlimits?: OciProcess['rlimits'];
  /** Where /dev/shm is another container's. */
  readonly shmPath?: string;
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What tells of the host, or of all processes. */
export const maskedPaths = [
  'asound acpi kcore keys latency_stats timer_list timer_stats sched_debug scsi'
    .split(' ')
    .map(n => `/proc/${n}`),
  ['/sys/firmware', '/sys/devices/virtual/powercap'],
].flat();

/** What changes the host. */
export const readonlyPaths = 'bus fs irq sys sysrq-trigger'.split(' ').map(name => `/proc/${name}`);

/** runc itself makes and allows null, zero, full, random, urandom, tty and ptmx; here fuse stays out as in Docker. */
const deviceRules: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
  ].map(([major = 0, minor = 0]) => ({ allow: true, type: 'c' as const, major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pseudo terminals
];

function defaultMounts(options: SpecOptions): OciMount[] {
  const privileged = options.privileged === true;
  const quiet = ['nosuid', 'noexec', 'nodev'];
  const own = (type: OciNamespace['type']) => options.namespaces.some(namespace => namespace.type === type);
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        ...(options.ids === 'one' ? [] : ['gid=5']),
      ],
    },
  ];
  if (options.shmPath === undefined) {
    const size = `size=${Math.ceil((options.shmSize ?? 64 * 1024 * 1024) / 1024)}k`;
    mounts.push({
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...quiet, 'mode=1777', size],
    });
  } else {
    mounts.push({
      destination: '/dev/shm',
      type: 'bind',
      source: options.shmPath,
      options: ['rbind', 'rw', ...quiet],
    });
  }
  mounts.push({ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet });
  const sysAccess = privileged ? 'rw' : 'ro';
  mounts.push(
    options.ids === undefined || own('network')
      ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, sysAccess] }
      : // That of the host's network belongs to the host's user namespace.
        { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...quiet, sysAccess] },
  );
  if (own('cgroup')) {
    mounts.push({
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...quiet, 'relatime', privileged ? 'rw' : 'ro'],
    });
  }
  return mounts;
}

/** The environment that a process gets: PATH, HOME (from passwd) and, on a terminal, TERM unless the image says so. */
export function processEnvironment(
  env: readonly string[],
  options: { readonly home: string; readonly terminal?: boolean; readonly hostname?: string },
): readonly string[] {
  const values = new Map<string, string>();
  for (const entry of env) values.set(entry.slice(0, Math.max(entry.indexOf('='), 0)) || entry, entry);
  const added: string[] = [];
  if (!values.has('PATH')) added.push(defaultPath);
  if (options.hostname !== undefined && !values.has('HOSTNAME')) added.push(`HOSTNAME=${options.hostname}`);
  if (options.terminal === true && !values.has('TERM')) added.push('TERM=xterm');
  const last = values.has('HOME') ? [] : [`HOME=${options.home}`];
  return [...added, ...values.values(), ...last];
}

/** The `process` of a container, and of an exec into it. */
export function processSpec(
  options: Pick<
    SpecOptions,
    'args' | 'env' | 'cwd' | 'user' | 'capabilities' | 'terminal' | 'noNewPrivileges' | 'rlimits'
  >,
): OciProcess {
  const { uid, gid, additionalGids } = options.user;
  // As in Docker: another user than root keeps them only in the bounding set, for set-uid programs.
  const active = uid === 0 ? options.capabilities : [];
  return {
    ...(options.terminal === true ? { terminal: true } : {}),
    user: { uid, gid, ...(additionalGids.length > 0 ? { additionalGids } : {}) },
    args: options.args,
    env: options.env,
    cwd: options.cwd === '' ? '/' : options.cwd,
    capabilities: { bounding: options.capabilities, effective: active, permitted: active },
    ...(options.noNewPrivileges === true ? { noNewPrivileges: true } : {}),
    ...(options.rlimits === undefined || options.rlimits.length === 0 ? {} : { rlimits: options.rlimits }),
  };
}

/**
 * An OCI runtime specification 1.0.2 config.json with Docker's defaults. Pure: users are looked up and paths made by the
 * caller. rlimits, where none are asked for, and oomScoreAdj are left as the host has them, since raising them needs CAP_SYS_RESOURCE, which VMs and
 * CI containers often lack.
 */
export function ociSpec(options: SpecOptions): OciSpec {
  const privileged = options.privileged === true;
  const devices = privileged ? [{ allow: true, access: 'rwm' }] : deviceRules;
  return {
    ociVersion: '1.0.2',
    process: processSpec(options),
    root: { path: options.rootfs, ...(options.readOnlyRootfs === true ? { readonly: true } : {}) },
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    mounts: [...defaultMounts(options), ...(options.mounts ?? [])],
    linux: {
      namespaces: [...options.namespaces, { type: 'mount' }],
      ...(options.ids !== undefined || options.cgroupsPath === undefined
        ? {}
        : { cgroupsPath: options.cgroupsPath }),
      ...(options.ids === undefined ? { resources: { devices, ...options.resources } } : {}),
      ...(options.sysctls === undefined ? {} : { sysctl: options.sysctls }),
      ...(options.devices === undefined ? {} : { devices: options.devices }),
      ...(privileged ? {} : { maskedPaths, readonlyPaths }),
      ...(privileged || options.seccomp === false ? {} : { seccomp: defaultSeccomp(options.capabilities) }),
    },
  };
}
