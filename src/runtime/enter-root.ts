import { constants } from 'node:os';
import { lastErrno, libcFunction, syscallError } from '../util/syscalls.ts';
import { capabilityNumber, containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import { type ResourceLimit, rlimitOf } from './resource-limits.ts';

/** A step as the process that becomes it reads it. */
export interface EnteringStep {
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly privileged: boolean;
  readonly ulimits: readonly ResourceLimit[];
  /** `stepMark` */
  readonly mark: number;
  /** The hawser that waits for it. */
  readonly parent: number;
}

const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
/** capget(2), `_LINUX_CAPABILITY_VERSION_3` */
const CAPABILITY_VERSION = 0x2008_0522;
const CAPABILITY_DATA = 24;
const F_SETFD = 2;

function check(result: number, action: string): void {
  if (result < 0) throw syscallError(action, lastErrno());
}

/** Makes this process the step: never returns. @throws HawserError for what the kernel refuses */
export function enterRoot(step: EnteringStep): never {
  const { mark } = step;
  setLimit({ name: 'rttime', soft: mark, hard: mark }, 'mark the processes of the step');
  for (const limit of step.ulimits) setLimit(limit, `set --ulimit ${limit.name}`);
  dropCapabilities(step.privileged);
  takeGroups(step);
  check(libcFunction('int chroot(const char *path)')(step.rootfs) as number, `chroot to ${step.rootfs}`);
  const chdir = libcFunction('int chdir(const char *path)');
  check(chdir('/') as number, 'enter /');
  check(chdir(step.cwd === '' ? '/' : step.cwd) as number, `enter ${step.cwd}`);
  check(libcFunction('int setuid(uint32_t uid)')(step.uid) as number, `become user ${step.uid}`);
  // Last, since a change of user takes it back.
  prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL);
  if (process.ppid !== step.parent) process.exit(137);
  return execute(step);
}

function prctl(option: number, value: number): void {
  const call = libcFunction(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  check(call(option, value, 0, 0, 0) as number, `prctl ${option} ${value}`);
}

function setLimit(limit: ResourceLimit, action: string): void {
  const call = libcFunction('int setrlimit(int resource, const void *limit)');
  const { resource, limit: bytes } = rlimitOf(limit);
  check(call(resource, bytes) as number, action);
}

function dropCapabilities(privileged: boolean): void {
  const host = hostCapabilities();
  const allowed = containerCapabilities(host, { privileged });
  for (const name of host) if (!allowed.includes(name)) prctl(PR_CAPBSET_DROP, capabilityNumber(name));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION, 0);
  const data = Buffer.alloc(CAPABILITY_DATA);
  check(
    libcFunction('int capget(void *header, _Out_ void *data)')(header, data) as number,
    'read capabilities',
  );
  // Two words of each kind; the inheritable ones are the last of three.
  for (const offset of [8, 20]) data.writeUInt32LE(0, offset);
  check(
    libcFunction('int capset(void *header, const void *data)')(header, data) as number,
    'set capabilities',
  );
}

function takeGroups({ gid, additionalGids }: EnteringStep): void {
  const list = Buffer.alloc(4 * Math.max(1, additionalGids.length));
  for (const [index, group] of additionalGids.entries()) list.writeUInt32LE(group, 4 * index);
  const setgroups = libcFunction('int setgroups(size_t size, const void *list)');
  check(setgroups(additionalGids.length, list) as number, 'set the groups of the step');
  check(libcFunction('int setgid(uint32_t gid)')(gid) as number, `become group ${gid}`);
}

function execute({ args, env }: EnteringStep): never {
  const [program = ''] = args;
  // Node closes its own streams on execve.
  const fcntl = libcFunction('int fcntl(int descriptor, int command, long value)');
  for (const stream of [0, 1, 2]) check(fcntl(stream, F_SETFD, 0) as number, `hand on stream ${stream}`);
  // Node ignores it, which a program would inherit.
  libcFunction('void *signal(int number, void *handler)')(constants.signals.SIGPIPE, null);
  process.umask(0o022);
  // execvpe(3) looks into the PATH of the caller.
  process.env.PATH = env.findLast(entry => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const call = libcFunction('int execvpe(const char *file, const char **args, const char **env)');
  call(program, [...args, null], [...env, null]);
  throw syscallError(`execute ${JSON.stringify(program)}`, lastErrno());
}
