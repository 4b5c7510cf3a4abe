import type { OpenFile } from './image-files.ts';

/*
 * Reads a Berkeley DB of the hash kind, as rpm wrote it before 4.16 (RHEL ≤ 8, Amazon Linux 2): dbinc/db_page.h of Berkeley
 * DB 5.3. Pages are looked at one after the other, since nothing is sought.
 */

const HASH_MAGIC = 0x0006_1561;
const HASH_META = 8;
/** Of a page before what it holds. */
const PAGE_HEADER = 26;
const ITEM = { plain: 1, elsewhere: 3 } as const;
/** Pages with pairs: as they came, and sorted. */
const hashPages = new Set([2, 13]);
const OVERFLOW = 7;

interface Layout {
  readonly file: OpenFile;
  readonly pageSize: number;
  readonly pages: number;
  u16(bytes: Buffer, at: number): number;
  u32(bytes: Buffer, at: number): number;
}

/** The byte order is that of the machine that wrote it. @throws RangeError */
function layoutOf(file: OpenFile): Layout {
  const meta = file.bytes(0, 72);
  const isLittle = meta.readUInt32LE(12) === HASH_MAGIC;
  if ((!isLittle && meta.readUInt32BE(12) !== HASH_MAGIC) || meta[25] !== HASH_META)
    throw new RangeError('it is no Berkeley DB of the hash kind');
  if (meta[24] !== 0) throw new RangeError('it is encrypted');
  const u16 = (bytes: Buffer, at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (bytes: Buffer, at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const pageSize = u32(meta, 20);
  if (pageSize < 512 || pageSize > 65_536) throw new RangeError('its pages have no possible size');
  const pages = u32(meta, 32) + 1;
  if (pages * pageSize > file.size) throw new RangeError('it is shorter than it says');
  return { file, pageSize, pages, u16, u32 };
}

/** The values of all pairs, in no order. @throws RangeError where it is broken */
export function* berkeleyValues(file: OpenFile): Generator<Buffer, void> {
  const layout = layoutOf(file);
  const { pageSize, u16 } = layout;
  for (let number = 1; number < layout.pages; number++) {
    const page = file.bytes(number * pageSize, pageSize);
    if (!hashPages.has(page[25] ?? 0)) continue;
    const entries = u16(page, 20);
    // Items grow from the end of the page: each ends where the one before it begins.
    for (let index = 1; index < entries; index += 2) {
      const [start, end] = [u16(page, PAGE_HEADER + 2 * index), u16(page, PAGE_HEADER + 2 * (index - 1))];
      if (start < PAGE_HEADER || end > pageSize || start >= end) throw new RangeError('a page is broken');
      yield valueOf(layout, page.subarray(start, end));
    }
  }
}

function valueOf(layout: Layout, item: Buffer): Buffer {
  if (item[0] === ITEM.plain) return item.subarray(1);
  if (item[0] !== ITEM.elsewhere) throw new RangeError(`an item is of kind ${item[0]}`);
  return overflow(layout, layout.u32(item, 4), layout.u32(item, 8));
}

function overflow({ file, pageSize, u16, u32 }: Layout, first: number, size: number): Buffer {
  if (size > file.size) throw new RangeError('a value is larger than the file');
  const parts: Buffer[] = [];
  let missing = size;
  for (let number = first; missing > 0; ) {
    if (number === 0) throw new RangeError('a value has no end');
    const page = file.bytes(number * pageSize, pageSize);
    const used = u16(page, 22);
    if (page[25] !== OVERFLOW || used === 0 || used > pageSize - PAGE_HEADER)
      throw new RangeError('a page of a value is broken');
    const part = page.subarray(PAGE_HEADER, PAGE_HEADER + Math.min(used, missing));
    parts.push(part);
    missing -= part.length;
    number = u32(page, 16);
  }
  return Buffer.concat(parts);
}
