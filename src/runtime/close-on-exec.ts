import { libcFunction } from '../util/syscalls.ts';

/** close_range's number on every architecture; glibc has a function for it since 2.34 only. */
const SYS_close_range = 436;
const CLOSE_RANGE_CLOEXEC = 4;

/**
 * Keeps descriptors that this process itself was given (a CI's pipes, a shell's) from what it spawns: a container must
 * not see them, and a conmon that holds one open for days would keep its other end waiting. Node's own are close-on-exec
 * already. close_range(2), Linux 5.11; an older kernel leaves them as they are.
 */
export function keepDescriptorsFromChildren(): void {
  const call = libcFunction(
    'long syscall(long number, unsigned long first, unsigned long last, unsigned long flags)',
  );
  call(SYS_close_range, 3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC);
}
