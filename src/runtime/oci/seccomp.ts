import type { OciSeccomp } from './oci-types.ts';

const EPERM = 1;
const ENOSYS = 38;
const CLONE_NEWUSER = 0x1000_0000;

/** Calls that reach beyond a container whatever its capabilities; docs/decisions/0011-seccomp-denylist.md */
const always = (
  'add_key keyctl request_key kexec_load kexec_file_load init_module finit_module delete_module create_module ' +
  'userfaultfd open_by_handle_at lookup_dcookie nfsservctl uselib ustat sysfs vm86 vm86old swapon swapoff ' +
  'io_uring_setup io_uring_enter io_uring_register acct quotactl quotactl_fd reboot iopl ioperm settimeofday stime ' +
  'clock_settime clock_adjtime get_kernel_syms query_module _sysctl'
).split(' ');

/** Calls that a user namespace would open up. */
const withoutSysAdmin = (
  'bpf perf_event_open mount umount umount2 pivot_root setns unshare fsopen fsconfig fsmount fspick open_tree ' +
  'move_mount mount_setattr name_to_handle_at fanotify_init'
).split(' ');

/**
 * A denylist: all is allowed but calls that kernel exploits and escapes went through, and new user namespaces. clone3,
 * whose flags a filter cannot read, says ENOSYS, upon which libc takes clone.
 */
export function defaultSeccomp(capabilities: readonly string[]): OciSeccomp {
  const sysAdmin = capabilities.includes('CAP_SYS_ADMIN');
  const names = sysAdmin ? always : [...always, ...withoutSysAdmin];
  const deny = { names, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM };
  if (sysAdmin) return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny] };
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      deny,
      {
        names: ['clone'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: EPERM,
        args: [{ index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}
