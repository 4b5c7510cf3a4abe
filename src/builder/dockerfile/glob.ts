/** One element of a pattern; `undefined` is a `*`. */
type Element = ((code: number) => boolean) | number | undefined;

/** A `filepath.Match` pattern, compiled. */
export interface Glob {
  /** Whether the whole of `name` matches. Time is bound by the product of both lengths. */
  matches(name: string): boolean;
  /** The pattern has no `*`, `?` or `[`, and this is the only name that it matches. */
  readonly literal?: string;
}

const slash = 0x2f;

/**
 * Go's `filepath.Match` on Unix, which COPY, ADD and .dockerignore are defined by: `*` and `?` do not match `/`, there is
 * no `**`; `[a-z]`, `[^a-z]`, `\` escapes. Undefined where Go says ErrBadPattern. https://pkg.go.dev/path/filepath#Match
 */
export function compileGlob(pattern: string): Glob | undefined {
  const characters = Array.from(pattern, character => character.codePointAt(0) as number);
  const elements: Element[] = [];
  for (let index = 0; index < characters.length; ) {
    const code = characters[index] as number;
    index++;
    if (code === 0x2a) {
      if (elements.length === 0 || elements.at(-1) !== undefined) elements.push(undefined);
    } else if (code === 0x3f) elements.push(other => other !== slash);
    else if (code === 0x5b) {
      const found = readClass(characters, index);
      if (found === undefined) return undefined;
      elements.push(found.test);
      index = found.end;
    } else if (code === 0x5c) {
      const escaped = characters[index++];
      if (escaped === undefined) return undefined;
      elements.push(escaped);
    } else elements.push(code);
  }
  if (elements.every(element => typeof element === 'number')) {
    const literal = elements.map(element => String.fromCodePoint(element)).join('');
    return { literal, matches: name => name === literal };
  }
  return { matches: name => matchElements(elements, name) };
}

/** `compileGlob` for one use; undefined for a bad pattern. */
export function matchGlob(pattern: string, name: string): boolean | undefined {
  return compileGlob(pattern)?.matches(name);
}

/** A class that begins behind its `[`. */
function readClass(
  pattern: readonly number[],
  start: number,
): { readonly test: (code: number) => boolean; readonly end: number } | undefined {
  let index = start;
  const negated = pattern[index] === 0x5e;
  if (negated) index++;
  const ranges: (readonly [number, number])[] = [];
  const next = (): number | undefined => {
    const code = pattern[index];
    if (code === undefined || code === 0x2d || code === 0x5d) return undefined;
    index++;
    return code === 0x5c ? pattern[index++] : code;
  };
  while (pattern[index] !== 0x5d || ranges.length === 0) {
    const low = next();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (pattern[index] === 0x2d) {
      index++;
      high = next();
      if (high === undefined) return undefined;
    }
    ranges.push([low, high]);
  }
  const test = (code: number): boolean =>
    code !== slash && ranges.some(([low, high]) => low <= code && code <= high) !== negated;
  return { test, end: index + 1 };
}

/** Goes back only to the last `*`, which is enough for one that may take anything but `/`. */
function matchElements(elements: readonly Element[], name: string): boolean {
  let element = 0;
  let index = 0;
  let star = -1;
  let resume = 0;
  while (index < name.length) {
    const code = name.codePointAt(index) as number;
    const width = code > 0xffff ? 2 : 1;
    const wanted = elements[element];
    if (element < elements.length && wanted === undefined) {
      star = element++;
      resume = index;
      continue;
    }
    if (typeof wanted === 'number' ? wanted === code : wanted?.(code) === true) {
      element++;
      index += width;
      continue;
    }
    if (star < 0) return false;
    const skipped = name.codePointAt(resume) as number;
    if (skipped === slash) return false;
    resume += skipped > 0xffff ? 2 : 1;
    index = resume;
    element = star + 1;
  }
  while (element < elements.length && elements[element] === undefined) element++;
  return element === elements.length;
}
