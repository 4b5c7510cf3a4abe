import { HawserError } from '../errors/hawser-error.ts';
import type { ByteString } from '../util/byte-string.ts';
import type { TarTime } from './entry.ts';

/* POSIX.1-2017 pax, "pax Extended Header". Keys and values are byte strings; nothing is decoded. */

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
export function formatPaxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

const newline = 0x0a;
const blank = 0x20;
const equals = 0x3d;

/** The next record at `offset`: where its key and value begin and end. */
function recordAt(block: Buffer, offset: number): { key: number; value: number; end: number } {
  let length = 0;
  let at = offset;
  for (; at < block.length && at - offset < 9; at++) {
    const digit = (block[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  const end = offset + length;
  if (at === offset || block[at] !== blank || end > block.length || block[end - 1] !== newline) {
    throw new HawserError('TAR_INVALID', `malformed pax record at byte ${offset} of its header`);
  }
  const sign = block.indexOf(equals, at);
  if (sign <= at + 1 || sign >= end - 1) {
    throw new HawserError('TAR_INVALID', `pax record without a key at byte ${offset} of its header`);
  }
  return { key: at + 1, value: sign + 1, end };
}

/**
 * The records of an extended header, in its order (GNU sparse 0.0 repeats keys).
 *
 * @throws HawserError TAR_INVALID
 */
export function parsePaxRecords(block: Buffer): (readonly [key: ByteString, value: ByteString])[] {
  const records: [ByteString, ByteString][] = [];
  for (let offset = 0; offset < block.length; ) {
    // Some writers count their NUL padding in.
    if (block[offset] === 0) break;
    const { key, value, end } = recordAt(block, offset);
    records.push([
      block.toString('latin1', key, value - 1) as ByteString,
      block.toString('latin1', value, end - 1) as ByteString,
    ]);
    offset = end;
  }
  return records;
}

/** A time as pax has it: decimal seconds, of any sign, with any number of fraction digits. */
export function parsePaxTime(text: string): TarTime {
  const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (parts === null) throw new HawserError('TAR_INVALID', `malformed pax time ${JSON.stringify(text)}`);
  const whole = Number(parts[2]);
  const nanoseconds = Number((parts[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (parts[1] !== '-') return { seconds: whole, nanoseconds };
  if (nanoseconds === 0) return { seconds: whole === 0 ? 0 : -whole, nanoseconds };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

export function formatPaxTime({ seconds, nanoseconds }: TarTime): string {
  if (nanoseconds === 0) return String(seconds);
  if (seconds >= 0) return `${seconds}.${fraction(nanoseconds)}`;
  return `-${-seconds - 1}.${fraction(1_000_000_000 - nanoseconds)}`;
}

function fraction(nanoseconds: number): string {
  return String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
}

/** A whole number of a pax record, 0 … 2⁵³ - 1. */
export function parsePaxNumber(key: string, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new HawserError(
      'TAR_INVALID',
      `pax ${key} is ${JSON.stringify(text.slice(0, 40))}, not a whole number`,
    );
  }
  return value;
}
