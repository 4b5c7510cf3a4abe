import { readFileSync } from 'node:fs';
import { HawserError } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';

/** capability(7), by number. */
const allCapabilities = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE',
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN',
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE',
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE',
].flatMap(line => line.split(' ').map(name => `CAP_${name}`));

/** What Docker gives a container. */
const defaultCapabilities = (
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL ' +
  'AUDIT_WRITE'
)
  .split(' ')
  .map(name => `CAP_${name}`);

/** The capabilities of a `CapBnd` mask in hexadecimal. */
export function capabilitiesOfMask(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask}`);
  return allCapabilities.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

/** capability(7)'s number of a full name. */
export function capabilityNumber(name: string): number {
  return allCapabilities.indexOf(name);
}

/** What this process may hand on: in a VM or CI container the bounding set lacks some, and runc must not ask for them. */
export function hostCapabilities(): readonly string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return capabilitiesOfMask(mask ?? '0');
}

function fullName(name: string): string {
  const upper = name.toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (full === 'CAP_ALL' || allCapabilities.includes(full)) return full;
  const near = nearest(full, allCapabilities);
  throw new HawserError('INVALID_ARGUMENT', `there is no capability ${JSON.stringify(name)}`, {
    remedy: near === undefined ? 'See capabilities(7).' : `Did you mean ${near}?`,
  });
}

/**
 * The capabilities of a container: Docker's default ones, with `add` and without `drop`, of those that the host has.
 * `drop: ['ALL']` goes first, so that `add` beside it is what remains, as in Docker and Kubernetes.
 *
 * @throws HawserError INVALID_ARGUMENT for an unknown name
 */
export function containerCapabilities(
  host: readonly string[],
  change: {
    readonly add?: readonly string[];
    readonly drop?: readonly string[];
    readonly privileged?: boolean;
  },
): readonly string[] {
  if (change.privileged === true) return host;
  const add = (change.add ?? []).map(fullName);
  const drop = (change.drop ?? []).map(fullName);
  const base = drop.includes('CAP_ALL')
    ? []
    : add.includes('CAP_ALL')
      ? allCapabilities
      : defaultCapabilities;
  const wanted = new Set(
    add.includes('CAP_ALL')
      ? allCapabilities.filter(name => !drop.includes(name))
      : [...base.filter(name => !drop.includes(name)), ...add],
  );
  return allCapabilities.filter(name => wanted.has(name) && host.includes(name));
}
