/** What the kernel tells a program's processor by; elf(5). */
export interface ElfMachine {
  readonly bits: 32 | 64;
  readonly order: 'little' | 'big';
  /** e_machine */
  readonly machine: number;
  /** e_flags, by which emulators tell ABIs apart; default 0. */
  readonly flags?: number;
}

const LOAD_ADDRESS = 0x40_0000;
const PAGE = 0x1_0000;

/** A static executable: headers and one loadable segment that begins to run at its first byte; gABI chapters 4 and 5. */
export function elfProgram(target: ElfMachine, body: Buffer): Buffer {
  const isWide = target.bits === 64;
  const [elf, program] = isWide ? [64, 56] : [52, 32];
  const headers = elf + program;
  const size = headers + body.length;
  const isLittle = target.order === 'little';
  const fields: Buffer[] = [];
  const half = (value: number) => {
    const bytes = Buffer.alloc(2);
    fields.push(bytes);
    if (isLittle) bytes.writeUInt16LE(value);
    else bytes.writeUInt16BE(value);
  };
  const word = (value: number) => {
    const bytes = Buffer.alloc(4);
    fields.push(bytes);
    if (isLittle) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
  };
  const long = (value: number) => {
    if (!isWide) return word(value);
    if (!isLittle) word(0);
    word(value);
    if (isLittle) word(0);
  };
  fields.push(
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, isWide ? 2 : 1, isLittle ? 1 : 2, 1, ...Array(9).fill(0)]),
  );
  half(2); // ET_EXEC
  half(target.machine);
  word(1);
  for (const value of [LOAD_ADDRESS + headers, elf, 0]) long(value); // entry, program headers, sections
  word(target.flags ?? 0);
  for (const value of [elf, program, 1, 0, 0, 0]) half(value);
  const access = 5; // read, execute
  word(1); // PT_LOAD
  if (isWide) word(access);
  for (const value of [0, LOAD_ADDRESS, LOAD_ADDRESS, size, size]) long(value);
  if (!isWide) word(access);
  long(PAGE);
  return Buffer.concat([...fields, body]);
}
