/** Unicode white space as BuildKit has it (Go's `unicode.IsSpace`): unlike JavaScript's, with U+0085, without U+FEFF. */
export function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code === 0x85 || code === 0xa0 || code === 0x1680) return true;
  if (code < 0x2000) return false;
  return code <= 0x200a || [0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(code);
}

/** What separates keywords and plain words: tab, vertical tab, form feed, carriage return, blank. */
export function isWordBreak(code: number): boolean {
  return code === 0x20 || code === 0x09 || (code >= 0x0b && code <= 0x0d);
}

/** The first offset at or after `start` that holds no white space. */
export function skipSpace(text: string, start: number): number {
  let index = start;
  while (index < text.length && isSpace(text.charCodeAt(index))) index++;
  return index;
}

/** `text.length` less the white space at its end. */
export function endWithoutSpace(text: string): number {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}

export function trimSpace(text: string): string {
  const end = endWithoutSpace(text);
  return text.slice(Math.min(skipSpace(text, 0), end), end);
}
