import { compileGlob } from './glob.ts';

/** A pattern of moby/patternmatcher, for .dockerignore, `--exclude` and `--parents`: `filepath.Match` and `**`. */
export interface PathPattern {
  /** Whether it matches this path itself; folders above are the caller's. */
  matches(path: string): boolean;
  /** Whether it could match something below this folder. */
  couldMatchBelow(folder: string): boolean;
}

/** One path component, or `**`. */
type Component = '**' | { readonly literal?: string; matches(name: string): boolean };

/** Compiles a cleaned pattern, without `!`; undefined where Go says ErrBadPattern. Matching is never exponential. */
export function compilePathPattern(pattern: string): PathPattern | undefined {
  if (compileGlob(pattern) === undefined) return undefined;
  const glob = compileWithStars(pattern);
  const components = pattern.split('/').map(toComponent);
  return {
    matches: glob,
    couldMatchBelow: folder => {
      const names = folder === '' || folder === '.' ? [] : folder.split('/');
      for (const [index, name] of names.entries()) {
        const component = components[index];
        if (component === '**') return true;
        if (component === undefined || !component.matches(name)) return false;
      }
      return components.length > names.length;
    },
  };
}

/** A part with `**` inside may hold slashes, and so may all that follows; it counts as `**` where only depth matters. */
function toComponent(part: string): Component {
  if (part.includes('**')) return '**';
  return compileGlob(part) ?? '**';
}

function compileWithStars(pattern: string): (path: string) => boolean {
  if (!/[*?[\]\\]/.test(pattern)) return path => path === pattern;
  if (!pattern.includes('**')) return compileGlob(pattern)?.matches ?? (() => false);
  const rest = pattern.slice(pattern.startsWith('**') ? 2 : 0);
  const plainRest = !/[*?[\]\\]/.test(rest);
  if (pattern.startsWith('**') && plainRest) return suffixMatcher(rest);
  const head = pattern.slice(0, -2);
  if (pattern.endsWith('**') && !/[*?[\]\\]/.test(head)) return path => path.startsWith(head);
  return fewStars(pattern) ?? generalMatcher(pattern);
}

// patternmatcher compares ends: with two stars before `foo` or `/foo` a path matches that ends in it
function suffixMatcher(rest: string): (path: string) => boolean {
  return path => path.endsWith(rest) || (rest.startsWith('/') && path === rest.slice(1));
}

/**
 * A regular expression is the fastest, and with two stars its time is at most the square of the path's length. It is not
 * used for more of them.
 */
function fewStars(pattern: string): ((path: string) => boolean) | undefined {
  const parts = pattern.match(/\*\*\/?|[^*]+|\*/g) ?? [];
  if (/[[\]\\]/.test(pattern) || parts.filter(part => part.startsWith('*')).length > 2) return undefined;
  const source = parts.map((part, index) => {
    if (part === '*') return '[^/]*';
    if (part.startsWith('**')) return index === parts.length - 1 ? '.*' : '(?:.*/)?';
    return part.replace(/[.+(){}|^$]/g, String.raw`\$&`).replaceAll('?', '[^/]');
  });
  const expression = new RegExp(`^${source.join('')}$`, 'su');
  return path => expression.test(path);
}

/** What stands between stars, with the kind of star before it. */
type Step =
  | { readonly kind: 'star' | 'folders' | 'rest' }
  | { readonly kind: 'one'; readonly test: (character: string) => boolean };

/** All positions of the path at once: time is the product of both lengths. */
function generalMatcher(pattern: string): (path: string) => boolean {
  const steps = stepsOf(pattern);
  return path => {
    const characters = [...path];
    let reached = new Set<number>([0]);
    for (const step of steps) {
      const next = new Set<number>();
      if (step.kind === 'one') {
        for (const index of reached) {
          const character = characters[index];
          if (character !== undefined && step.test(character)) next.add(index + 1);
        }
      } else spread(step.kind, { characters, reached, next });
      if (next.size === 0) return false;
      reached = next;
    }
    return reached.has(characters.length);
  };
}

function spread(
  kind: 'star' | 'folders' | 'rest',
  state: {
    readonly characters: readonly string[];
    readonly reached: Set<number>;
    readonly next: Set<number>;
  },
): void {
  const { characters, reached, next } = state;
  let open = false;
  for (let index = 0; index <= characters.length; index++) {
    // `**/` is "(.*/)?": nothing, or anything that ends in a slash
    if (kind === 'folders' && open && characters[index - 1] === '/') next.add(index);
    if (kind === 'star' && characters[index - 1] === '/') open = false;
    if (reached.has(index)) {
      open = true;
      next.add(index);
    }
    if (open && kind !== 'folders') next.add(index);
  }
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] as string;
    if (character === '*' && characters[index + 1] === '*') {
      index++;
      if (characters[index + 1] === '/') index++;
      steps.push({ kind: index + 1 >= characters.length ? 'rest' : 'folders' });
    } else if (character === '*') steps.push({ kind: 'star' });
    else {
      const end = elementEnd(characters, index);
      const element = compileGlob(characters.slice(index, end).join(''));
      steps.push({ kind: 'one', test: name => element?.matches(name) === true });
      index = end - 1;
    }
  }
  return steps;
}

/** Where a `[…]`, an escape or a character that begins at `start` ends. */
function elementEnd(characters: readonly string[], start: number): number {
  if (characters[start] === '\\') return start + 2;
  if (characters[start] !== '[') return start + 1;
  let index = start + 1;
  if (characters[index] === '^') index++;
  for (let first = true; first || characters[index] !== ']'; first = false) {
    if (index >= characters.length) return characters.length;
    index += characters[index] === '\\' ? 2 : 1;
  }
  return index + 1;
}
