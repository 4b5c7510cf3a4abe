/**
 * The JSON (exec) form: an array of strings. `undefined` where `text` is no JSON array, which then counts as plain text;
 * `'not-strings'` where an element is anything but a string, which is an error.
 */
export function parseJsonWords(text: string): readonly string[] | 'not-strings' | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // BuildKit takes what is not JSON as the shell form, silently: `RUN [ -f x ]` is a command
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every(element => typeof element === 'string')) return 'not-strings';
  // half a surrogate pair (`\ud800`) has no UTF-8; it becomes U+FFFD, as in Go
  return value.map(element => (/[\ud800-\udfff]/.test(element) ? Buffer.from(element).toString() : element));
}
