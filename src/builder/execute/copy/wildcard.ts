/**
 * Go's `filepath.Match`, which Dockerfile's COPY and ADD are defined by: `*` and `?` do not cross `/`, `[a-z]`, `[^a-z]`,
 * and `\` escapes; https://pkg.go.dev/path/filepath#Match
 */
export function wildcardPattern(text: string): RegExp | undefined {
  const pattern = [...text];
  let source = '^';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] as string;
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const group = characterClass(pattern, index + 1);
      if (group === undefined) return undefined;
      source += group.source;
      index = group.end;
    } else if (character === '\\') {
      if (++index >= pattern.length) return undefined;
      source += escape(pattern[index] as string);
    } else source += escape(character);
  }
  return new RegExp(`${source}$`, 'su');
}

/** A class that begins after its `[`; undefined where Go says ErrBadPattern. */
function characterClass(
  pattern: readonly string[],
  start: number,
): { readonly source: string; readonly end: number } | undefined {
  let index = start;
  let source = '';
  const negated = pattern[index] === '^';
  if (negated) index++;
  const next = (): string | undefined => {
    let character = pattern[index++];
    if (character === '\\') character = pattern[index++];
    return character;
  };
  for (let ranges = 0; ; ranges++) {
    if (pattern[index] === ']' && ranges > 0) {
      return { source: `(?!/)[${negated ? '^' : ''}${source}]`, end: index };
    }
    if (index >= pattern.length || pattern[index] === '-' || pattern[index] === ']') return undefined;
    const low = next();
    if (low === undefined) return undefined;
    let high = low;
    if (pattern[index] === '-') {
      index++;
      if (pattern[index] === ']') return undefined;
      const upper = next();
      if (upper === undefined) return undefined;
      high = upper;
    }
    if (high >= low) source += `${escape(low)}-${escape(high)}`;
  }
}

function escape(character: string): string {
  return /\w/.test(character) ? character : `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

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
