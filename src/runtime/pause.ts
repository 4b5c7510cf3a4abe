import { HawserError } from '../errors/hawser-error.ts';
import { elfProgram } from './elf-program.ts';

/*
 * The first process of a pod, as a static ELF program made here, so that a sandbox needs no image:
 *
 *   if (argc != 1) exit_group(0);                      the probe of an OCI runtime runs it so
 *   rt_sigaction(SIGCHLD, SIG_IGN);                    the kernel reaps orphans of a shared PID namespace
 *   rt_sigprocmask(SIG_BLOCK, {SIGTERM, SIGINT});      process 1 gets a signal only when it asks for it
 *   do s = rt_sigtimedwait({SIGTERM, SIGINT}); while (s != SIGTERM && s != SIGINT);
 *   exit_group(0);
 *
 * Data behind the code: struct kernel_sigaction {handler = SIG_IGN, flags, restorer, mask}, then the set of signals.
 */
const SIGACTION_SIZE = 32;

function data(): Buffer {
  const bytes = Buffer.alloc(SIGACTION_SIZE + 8);
  bytes.writeBigUInt64LE(1n, 0); // SIG_IGN
  bytes.writeBigUInt64LE((1n << 14n) | (1n << 1n), SIGACTION_SIZE); // SIGTERM 15, SIGINT 2
  return bytes;
}

/** System V ABI for x86-64: number in eax, arguments in rdi, rsi, rdx, r10. Offsets are counted in the comments. */
function codeX64(): Buffer {
  const size = 91;
  const toData = (end: number, offset = 0) => {
    const distance = Buffer.alloc(4);
    distance.writeInt32LE(size + offset - end);
    return [...distance];
  };
  const set = SIGACTION_SIZE;
  const instructions = [
    [0x48, 0x83, 0x3c, 0x24, 0x01], //             0 cmp qword [rsp], 1
    [0x75, 75], //                                 5 jne exit (82)
    [0xb8, 13, 0, 0, 0], //                        7 mov eax, rt_sigaction
    [0xbf, 17, 0, 0, 0], //                       12 mov edi, SIGCHLD
    [0x48, 0x8d, 0x35, ...toData(24)], //         17 lea rsi, [action]
    [0x31, 0xd2], //                              24 xor edx, edx
    [0x41, 0xba, 8, 0, 0, 0], //                  26 mov r10d, 8
    [0x0f, 0x05], //                              32 syscall
    [0xb8, 14, 0, 0, 0], //                       34 mov eax, rt_sigprocmask
    [0x31, 0xff], //                              39 xor edi, edi (SIG_BLOCK)
    [0x48, 0x8d, 0x35, ...toData(48, set)], //    41 lea rsi, [set]
    [0x31, 0xd2], //                              48 xor edx, edx
    [0x0f, 0x05], //                              50 syscall
    [0xb8, 128, 0, 0, 0], //                      52 wait: mov eax, rt_sigtimedwait
    [0x48, 0x8d, 0x3d, ...toData(64, set)], //    57 lea rdi, [set]
    [0x31, 0xf6], //                              64 xor esi, esi
    [0x31, 0xd2], //                              66 xor edx, edx
    [0x0f, 0x05], //                              68 syscall
    [0x83, 0xf8, 15], //                          70 cmp eax, SIGTERM
    [0x74, 7], //                                 73 je exit
    [0x83, 0xf8, 2], //                           75 cmp eax, SIGINT
    [0x74, 2], //                                 78 je exit
    [0xeb, 0xe2], //                              80 jmp wait
    [0xb8, 231, 0, 0, 0], //                      82 exit: mov eax, exit_group
    [0x31, 0xff], //                              87 xor edi, edi
    [0x0f, 0x05], //                              89 syscall
  ];
  return Buffer.from(instructions.flat());
}

/** AArch64: number in x8, arguments from x0 on; each instruction is one word, counted in the comments. */
function codeArm64(): Buffer {
  const count = 26;
  const move = (register: number, value: number) => (0xd280_0000 | (value << 5) | register) >>> 0;
  const address = (register: number, from: number, offset: number) => {
    const distance = (count - from) * 4 + offset;
    return (0x1000_0000 | ((distance & 3) << 29) | ((distance >> 2) << 5) | register) >>> 0;
  };
  const branch = (condition: 0 | 1, from: number, to: number) =>
    (0x5400_0000 | (((to - from) & 0x7ffff) << 5) | condition) >>> 0;
  const [call, set, wait, exit] = [0xd400_0001, SIGACTION_SIZE, 14, 23];
  const words = [
    [0xf940_03e0], //                                                                     0 ldr x0, [sp]
    [0xf100_041f], //                                                                     1 cmp x0, 1
    [branch(1, 2, exit)], //                                                              2 b.ne exit
    [move(8, 134), move(0, 17), address(1, 5, 0), move(2, 0), move(3, 8), call], //  3 rt_sigaction
    [move(8, 135), move(0, 0), address(1, 11, set), move(2, 0), call], //            9 rt_sigprocmask
    [move(8, 137), address(0, 15, set), move(1, 0), move(2, 0), call], //           14 wait: rt_sigtimedwait
    [0xf100_3c1f, branch(0, 20, exit)], //                                          19 cmp x0, SIGTERM; b.eq
    [0xf100_081f, branch(1, 22, wait)], //                                          21 cmp x0, SIGINT; b.ne
    [move(8, 94), move(0, 0), call], //                                             23 exit: exit_group
  ].flat();
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  return bytes;
}

const machines: Readonly<Record<string, { readonly machine: number; readonly code: () => Buffer }>> = {
  x64: { machine: 62, code: codeX64 },
  arm64: { machine: 183, code: codeArm64 },
};

/**
 * The bytes of the pause program for a Node architecture.
 *
 * @throws HawserError UNSUPPORTED for another architecture than x64 and arm64
 */
export function pauseProgram(architecture: string): Buffer {
  const found = machines[architecture];
  if (found === undefined) throw new HawserError('UNSUPPORTED', `no pause program for ${architecture}`);
  const { machine, code } = found;
  return elfProgram({ bits: 64, order: 'little', machine }, Buffer.concat([code(), data()]));
}
