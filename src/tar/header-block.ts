import { HawserError } from '../errors/hawser-error.ts';
import type { ByteString } from '../util/byte-string.ts';

/*
 * The 512-byte header block: POSIX.1-2017 pax, "ustar Interchange Format", and GNU tar's. Not tar/header of node-tar,
 * which decodes names as UTF-8 and so loses bytes: docs/decisions/0002-own-tar-header.md
 */

export const blockSize = 512;

/** The fields of a block as they stand there, numbers decoded, strings cut at the first NUL. */
export interface HeaderBlock {
  readonly typeflag: string;
  readonly name: ByteString;
  readonly linkname: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly devmajor: number;
  readonly devminor: number;
}

function stringField(block: Buffer, start: number, length: number): ByteString {
  const nul = block.indexOf(0, start);
  return block.toString(
    'latin1',
    start,
    nul < 0 ? start + length : Math.min(nul, start + length),
  ) as ByteString;
}

/** GNU's base-256: the first bit set, big-endian two's complement in the rest. */
function base256(block: Buffer, start: number, length: number): number {
  const first = block[start] as number;
  const negative = (first & 0x40) !== 0;
  let value = negative ? (first & 0x3f) - 0x40 : first & 0x3f;
  for (let index = start + 1; index < start + length; index++) value = value * 256 + (block[index] as number);
  if (!Number.isSafeInteger(value)) throw new HawserError('TAR_INVALID', 'a number in a header is too large');
  return value;
}

/** Octal digits with blanks or NULs around them; empty is 0. */
export function numberField(block: Buffer, start: number, length: number): number {
  if ((block[start] as number) >= 0x80) return base256(block, start, length);
  let index = start;
  const end = start + length;
  while (index < end && (block[index] === 0x20 || block[index] === 0)) index++;
  let value = 0;
  for (; index < end; index++) {
    const byte = block[index] as number;
    if (byte === 0x20 || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) {
      const text = JSON.stringify(block.toString('latin1', start, end));
      throw new HawserError('TAR_INVALID', `a header has ${text} where an octal number belongs`);
    }
    value = value * 8 + byte - 0x30;
  }
  return value;
}

/** The sum of the block's bytes, its own field counted as blanks; some old writers summed signed bytes. */
function checksumMatches(block: Buffer): boolean {
  let unsigned = 256;
  let high = 0;
  for (let index = 0; index < blockSize; index++) {
    const byte = block[index] as number;
    unsigned += byte;
    if (byte > 0x7f) high++;
  }
  for (let index = 148; index < 156; index++) {
    const byte = block[index] as number;
    unsigned -= byte;
    if (byte > 0x7f) high--;
  }
  const stored = numberField(block, 148, 8);
  return stored === unsigned || stored === unsigned - 256 * high;
}

export function isZeroBlock(block: Buffer): boolean {
  if (block[0] !== 0) return false;
  for (let index = 1; index < blockSize; index++) {
    if (block[index] !== 0) return false;
  }
  return true;
}

/** `name` with the `prefix` of ustar; GNU archives use those bytes otherwise, and v7 ones not at all. */
function fullName(block: Buffer, name: ByteString): ByteString {
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  if (!isUstar || block[345] === 0) return name;
  // star's own variant: a shorter prefix with times behind it.
  const length = block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155;
  return `${stringField(block, 345, length)}/${name}` as ByteString;
}

/**
 * @param block 512 bytes, not all zero.
 * @throws HawserError TAR_INVALID
 */
export function decodeHeaderBlock(block: Buffer): HeaderBlock {
  if (!checksumMatches(block)) throw new HawserError('TAR_INVALID', 'a header has a wrong checksum');
  const typeflag = String.fromCharCode(block[156] as number);
  const hasDevice = typeflag === '3' || typeflag === '4';
  return {
    typeflag,
    name: fullName(block, stringField(block, 0, 100)),
    linkname: stringField(block, 157, 100),
    mode: numberField(block, 100, 8),
    uid: numberField(block, 108, 8),
    gid: numberField(block, 116, 8),
    size: numberField(block, 124, 12),
    mtime: numberField(block, 136, 12),
    devmajor: hasDevice ? numberField(block, 329, 8) : 0,
    devminor: hasDevice ? numberField(block, 337, 8) : 0,
  };
}

/** The largest number that fits octal into 8 and into 12 bytes. */
export const maxOctal8 = 0o7777777;
export const maxOctal12 = 0o77777777777;

function writeOctal(block: Buffer, value: number, position: readonly [start: number, length: number]): void {
  const [start, length] = position;
  let rest = value;
  for (let index = start + length - 2; index >= start; index--) {
    block[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

export interface HeaderFields extends HeaderBlock {
  readonly prefix: string;
}

/** Writes a ustar block; every field must fit. */
export function encodeHeaderBlock(block: Buffer, fields: HeaderFields): void {
  block.fill(0, 0, blockSize);
  block.write(fields.name, 0, 100, 'latin1');
  writeOctal(block, fields.mode, [100, 8]);
  writeOctal(block, fields.uid, [108, 8]);
  writeOctal(block, fields.gid, [116, 8]);
  writeOctal(block, fields.size, [124, 12]);
  writeOctal(block, fields.mtime, [136, 12]);
  block.write('        ', 148, 8, 'latin1');
  block.write(fields.typeflag, 156, 1, 'latin1');
  block.write(fields.linkname, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 8, 'latin1');
  writeOctal(block, fields.devmajor, [329, 8]);
  writeOctal(block, fields.devminor, [337, 8]);
  block.write(fields.prefix, 345, 155, 'latin1');
  let sum = 0;
  for (let index = 0; index < blockSize; index++) sum += block[index] as number;
  writeOctal(block, sum, [148, 7]);
  block[154] = 0;
  block[155] = 0x20;
}
