declare const byteStringBrand: unique symbol;

/**
 * A file name, link target or attribute name as bytes: each character is one byte (Latin-1). On Linux such names are
 * bytes that need not be UTF-8; in this form they survive byte for byte, are map keys, and sort in byte order with `<`.
 * For ASCII names it is the same string as the text.
 */
export type ByteString = string & { readonly [byteStringBrand]: true };

/** The bytes of `text` in UTF-8. */
export function byteString(text: string): ByteString {
  return (isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString;
}

export function byteStringOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') as ByteString;
}

export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1');
}

/** For people: UTF-8 decoded, with U+FFFD for what is not UTF-8. */
export function textOf(name: ByteString): string {
  return isAscii(name) ? name : bytesOf(name).toString('utf8');
}

/** For node:fs: a string where that is exact, else the bytes. */
export function fsPath(name: ByteString): string | Buffer {
  return isAscii(name) ? name : bytesOf(name);
}

export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return false;
  }
  return true;
}
