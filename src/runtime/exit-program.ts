import { type ElfMachine, elfProgram } from './elf-program.ts';

interface Architecture extends ElfMachine {
  /** Machine code of `exit(0)`, hexadecimal. */
  readonly code: string;
}

const little = { bits: 64, order: 'little' } as const;

/** By GOARCH: e_machine of elf(5), and the system call in the architecture's ABI, syscall(2). */
const architectures: Readonly<Record<string, Architecture>> = {
  amd64: { ...little, machine: 62, code: 'b83c00000031ff0f05' },
  '386': { bits: 32, order: 'little', machine: 3, code: 'b80100000031dbcd80' },
  arm64: { ...little, machine: 183, code: 'a80b80d2000080d2010000d4' },
  arm: {
    bits: 32,
    order: 'little',
    machine: 40,
    flags: 0x500_0000, // EABI 5
    code: '0170a0e30000a0e3000000ef',
  },
  riscv64: { ...little, machine: 243, code: '9308d0051305000073000000' },
  ppc64le: { ...little, machine: 21, flags: 2, code: '010000380000603802000044' }, // ELFv2
  s390x: { bits: 64, order: 'big', machine: 22, code: 'a72900000a01' },
  mips64le: { ...little, machine: 8, flags: 0x8000_0000, code: 'c2130224252000000c000000' }, // MIPS64R2
  mips64: { bits: 64, order: 'big', machine: 8, flags: 0x8000_0000, code: '240213c2000020250000000c' },
  loong64: { ...little, machine: 258, code: '0b7481030400150000002b00' },
};

export const knownArchitectures: readonly string[] = Object.keys(architectures);

/** A program of another architecture that ends at once with 0; undefined for one that is not known. */
export function exitProgram(architecture: string): Buffer | undefined {
  const found = architectures[architecture];
  return found === undefined ? undefined : elfProgram(found, Buffer.from(found.code, 'hex'));
}
