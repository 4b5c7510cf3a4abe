import { HawserError } from '../errors/hawser-error.ts';
import { blockSize, numberField } from './header-block.ts';
import { parsePaxNumber } from './pax.ts';

/* GNU tar manual, "Storing Sparse Files": the old GNU format and the pax formats 0.0, 0.1 and 1.0. */

/** Where the stored bytes belong in the expanded file. */
export interface SparsePart {
  readonly offset: number;
  readonly length: number;
}

/** The parts of an old GNU sparse block, and whether an extension block follows. `count` is 4, or 21 in extensions. */
export function gnuSparseParts(block: Buffer, start: number, count: number): SparsePart[] {
  const parts: SparsePart[] = [];
  for (let at = start; at < start + 24 * count && block[at] !== 0; at += 24) {
    parts.push({ offset: numberField(block, at, 12), length: numberField(block, at + 12, 12) });
  }
  return parts;
}

/** Pairs of a list of numbers. */
function partsOf(numbers: readonly string[]): SparsePart[] {
  if (numbers.length % 2 !== 0)
    throw new HawserError('TAR_INVALID', 'a sparse map has an odd number of fields');
  const parts: SparsePart[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    parts.push({
      offset: parsePaxNumber('sparse offset', numbers[index] as string),
      length: parsePaxNumber('sparse length', numbers[index + 1] as string),
    });
  }
  return parts;
}

/** Formats 0.0 (repeated keys) and 0.1 (one list); undefined where the records have neither. */
export function paxSparseParts(
  records: readonly (readonly [key: string, value: string])[],
): SparsePart[] | undefined {
  const map = records.findLast(([key]) => key === 'GNU.sparse.map');
  if (map !== undefined) return partsOf(map[1] === '' ? [] : map[1].split(','));
  const repeated = records.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes');
  const isSparse = repeated.length > 0 || records.some(([key]) => key === 'GNU.sparse.numblocks');
  return isSparse ? partsOf(repeated.map(([, value]) => value)) : undefined;
}

/**
 * The map that format 1.0 puts before the stored bytes: decimal lines, filled up to whole blocks.
 *
 * @returns undefined when `data`, whole blocks, does not hold all of it yet
 */
export function sparseMapIn(
  data: Buffer,
): { readonly parts: SparsePart[]; readonly length: number } | undefined {
  const lines: string[] = [];
  let wanted = 1;
  let at = 0;
  while (lines.length < wanted) {
    const end = data.indexOf(0x0a, at);
    if (end < 0) {
      if (data.length - at > blockSize) throw new HawserError('TAR_INVALID', 'a sparse map is malformed');
      return undefined;
    }
    lines.push(data.toString('latin1', at, end));
    at = end + 1;
    if (lines.length === 1) wanted = 1 + 2 * parsePaxNumber('sparse map', lines[0] as string);
  }
  return { parts: partsOf(lines.slice(1)), length: Math.ceil(at / blockSize) * blockSize };
}

/**
 * @param stored Bytes in the archive.
 * @param size Bytes of the expanded file.
 * @throws HawserError TAR_INVALID for parts that overlap, lie outside or do not sum up
 */
export function checkSparseParts(parts: readonly SparsePart[], stored: number, size: number): void {
  let end = 0;
  let sum = 0;
  for (const part of parts) {
    if (part.offset < end) throw new HawserError('TAR_INVALID', 'the parts of a sparse file overlap');
    end = part.offset + part.length;
    sum += part.length;
  }
  if (end > size || sum !== stored) {
    throw new HawserError('TAR_INVALID', `a sparse file of ${size} bytes has parts that do not fit it`);
  }
}
