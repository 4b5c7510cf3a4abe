import { createRequire } from 'node:module';
import { HawserError } from '../errors/hawser-error.ts';

/**
 * The system calls that Node lacks, bound once through koffi. It stands in util/ and not in layers/ because locks
 * (content/) and sockets (runtime/) need it too: docs/decisions/0001-syscall-seam.md. Nothing else loads koffi.
 */
type Koffi = typeof import('koffi');
type NativeFunction = ReturnType<ReturnType<Koffi['load']>['func']>;

let koffi: Koffi | undefined;
let libc: ReturnType<Koffi['load']> | undefined;
const bound = new Map<string, NativeFunction>();

/**
 * The binding itself where npm has laid it, else koffi's own search for it, which reads Node's program and its own
 * package first: that takes longer than all the locks of a cached build.
 */
function loadKoffi(): Koffi {
  if (koffi !== undefined) return koffi;
  const require = createRequire(import.meta.filename);
  const { arch } = process;
  try {
    koffi = require(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as Koffi;
  } catch {
    koffi = require('koffi') as Koffi;
  }
  return koffi;
}

/** The libc function of a C prototype, e.g. `int flock(int fd, int operation)`. */
export function libcFunction(prototype: string): NativeFunction {
  let found = bound.get(prototype);
  if (found === undefined) {
    libc ??= loadKoffi().load('libc.so.6');
    found = libc.func(prototype);
    bound.set(prototype, found);
  }
  return found;
}

/** A binder, as `libcFunction`, for another library of the system; undefined where it is not installed. */
export function libraryFunctions(name: string): ((prototype: string) => NativeFunction) | undefined {
  try {
    // Deep: a Node that has a library of its own inside must not answer for the functions of this one.
    const library = loadKoffi().load(name, { deep: true });
    return prototype => library.func(prototype);
  } catch {
    return undefined; // not installed
  }
}

/** The errno that the last bound call of this thread left. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

/** A number such as `ENOENT`'s, by name. */
export function errnoNumber(name: string): number | undefined {
  return loadKoffi().os.errno[name as keyof Koffi['os']['errno']];
}

/** A HawserError for a failed call: `action` says what was tried, e.g. `mount /a on /b`. */
export function syscallError(action: string, errno: number): HawserError {
  const names = loadKoffi().os.errno as unknown as Record<string, number>;
  const name = Object.keys(names).find(key => names[key] === errno) ?? `errno ${errno}`;
  const code =
    name === 'ENOSPC' ? 'NO_SPACE' : name === 'EPERM' || name === 'EACCES' ? 'PERMISSION_DENIED' : 'INTERNAL';
  return new HawserError(code, `${action}: ${name}`, { detail: { errno: name } });
}
