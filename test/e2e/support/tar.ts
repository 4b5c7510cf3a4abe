export interface RawEntry {
  readonly name: string;
  /** As in the header: 0 file, 1 hard link, 2 symbolic link, 5 folder. */
  readonly type?: '0' | '1' | '2' | '5';
  readonly linkname?: string;
  readonly mode?: number;
  readonly body?: string | Uint8Array;
}

/** A tar archive with exactly these headers, also those that no honest writer makes. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, type = '0', linkname = '', mode, body = '' } of entries) {
    const content =
      typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
    const header = Buffer.alloc(512);
    const octal = (value: number, offset: number, length: number) =>
      header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
    header.write(name, 0, 100);
    octal(mode ?? (type === '5' ? 0o755 : 0o644), 100, 8);
    octal(0, 108, 8);
    octal(0, 116, 8);
    octal(content.length, 124, 12);
    octal(0, 136, 12);
    header.write(type, 156);
    header.write(linkname, 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    header.fill(' ', 148, 156);
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      8,
    );
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
