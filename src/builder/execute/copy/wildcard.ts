/** Whether a path holds a `*`, `?` or `[` that is not escaped. */
export function hasWildcard(path: string): boolean {
  for (let index = 0; index < path.length; index++) {
    const character = path[index];
    if (character === '\\') index++;
    else if (character === '*' || character === '?' || character === '[') return true;
  }
  return false;
}

/** The part of a path before its first component with a wildcard, and the rest, which is empty without one. */
export function splitWildcards(path: string): { readonly fixed: string; readonly pattern: string } {
  const parts = path.split('/');
  const first = parts.findIndex(hasWildcard);
  if (first < 0) return { fixed: path, pattern: '' };
  return { fixed: parts.slice(0, first).join('/') || '/', pattern: parts.slice(first).join('/') };
}
