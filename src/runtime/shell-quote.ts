/** Quotes a word for sh(1). */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
