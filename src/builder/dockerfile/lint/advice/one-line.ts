/** A command whose continuations were joined, to be shown: blanks in a row count where quotes may hold them. */
export function oneLine(text: string): string {
  return /["'\\]/.test(text) ? text : text.replaceAll(/[ \t]{2,}/g, ' ');
}
