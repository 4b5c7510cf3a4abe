/** One character of a pattern: itself, or `undefined` for `?`. */
type Element = string | undefined;

/** A shell pattern of `*` and `?`: the pieces between the `*`. */
export interface ShellPattern {
  readonly pieces: readonly (readonly Element[])[];
}

/** The pattern of `${v#p}`, `${v%p}` and `${v/p/r}`; a text when it is wrong. There are no `[]` here. */
export function parseShellPattern(text: string): ShellPattern | string {
  const pieces: Element[][] = [[]];
  const characters = [...text];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] as string;
    const piece = pieces.at(-1) as Element[];
    if (character === '*') pieces.push([]);
    else if (character === '?') piece.push(undefined);
    else if (character === '\\') {
      const next = characters[index + 1];
      // `\}` and `\/` were escaped for the substitution, not for the pattern
      if (next === '}' || next === '/') continue;
      if (next !== '*' && next !== '?' && next !== '\\') return `invalid escape '\\${next ?? ''}'`;
      piece.push(next);
      index++;
    } else piece.push(character);
  }
  return { pieces };
}

/** `value` without what `pattern` matches at one side: the shortest such part, or the longest. */
export function trimPattern(
  value: string,
  pattern: ShellPattern,
  options: { readonly side: 'start' | 'end'; readonly longest: boolean },
): string {
  const characters = [...value];
  if (options.side === 'start') {
    const end = matchAt(characters, pattern.pieces, { start: 0, longest: options.longest });
    return end === undefined ? value : characters.slice(end).join('');
  }
  const backwards = characters.toReversed();
  const pieces = pattern.pieces.map(piece => piece.toReversed()).toReversed();
  const end = matchAt(backwards, pieces, { start: 0, longest: options.longest });
  return end === undefined ? value : backwards.slice(end).toReversed().join('');
}

/** `value` with the first match of `pattern`, or with all of them, replaced. Matches are as long as they can be. */
export function replacePattern(
  value: string,
  pattern: ShellPattern,
  options: { readonly replacement: string; readonly all: boolean },
): string {
  const characters = [...value];
  const first = pattern.pieces[0] as readonly Element[];
  const replacement = options.all ? withoutGroups(options.replacement) : options.replacement;
  let result = '';
  let copied = 0;
  let start = 0;
  while (start <= characters.length) {
    if (!piecesFit(characters, first, start)) {
      start++;
      continue;
    }
    const end = matchAt(characters, pattern.pieces, { start, longest: true });
    if (end === undefined) {
      // a later start in this line finds no more than this one did
      const next = characters.indexOf('\n', start);
      start = next < 0 ? characters.length + 1 : next + 1;
      continue;
    }
    // Go takes no empty match right behind another match
    if (end > copied || start === 0) {
      result += characters.slice(copied, start).join('') + replacement;
      copied = end;
      if (!options.all) break;
    }
    start = end > start ? end : start + 1;
  }
  return result + characters.slice(copied).join('');
}

/** Where a match that begins at `start` ends; `*` does not go over line ends. */
function matchAt(
  characters: readonly string[],
  pieces: readonly (readonly Element[])[],
  options: { readonly start: number; readonly longest: boolean },
): number | undefined {
  const first = pieces[0] as readonly Element[];
  if (!piecesFit(characters, first, options.start)) return undefined;
  let position = options.start + first.length;
  if (pieces.length === 1) return position;
  const newline = characters.indexOf('\n', position);
  const limit = newline < 0 ? characters.length : newline;
  for (const piece of pieces.slice(1, -1)) {
    const found = findPiece(characters, piece, { from: position, limit });
    if (found === undefined) return undefined;
    position = found + piece.length;
  }
  const last = pieces.at(-1) as readonly Element[];
  if (!options.longest) {
    const found = findPiece(characters, last, { from: position, limit });
    return found === undefined ? undefined : found + last.length;
  }
  for (let index = limit - last.length; index >= position; index--) {
    if (piecesFit(characters, last, index)) return index + last.length;
  }
  return undefined;
}

function findPiece(
  characters: readonly string[],
  piece: readonly Element[],
  options: { readonly from: number; readonly limit: number },
): number | undefined {
  for (let index = options.from; index + piece.length <= options.limit; index++) {
    if (piecesFit(characters, piece, index)) return index;
  }
  return undefined;
}

function piecesFit(characters: readonly string[], piece: readonly Element[], start: number): boolean {
  if (start + piece.length > characters.length) return false;
  return piece.every((element, offset) => {
    const character = characters[start + offset];
    return element === undefined ? character !== '\n' : character === element;
  });
}

/** `//` goes through Go's Regexp.ReplaceAllString, where `$name` is a group; there are none, so they are empty. */
function withoutGroups(replacement: string): string {
  return replacement.replace(/\$(?:\$|\{[\p{L}\p{Nd}_]+\}|[\p{L}\p{Nd}_]+)/gu, group =>
    group === '$$' ? '$' : '',
  );
}
