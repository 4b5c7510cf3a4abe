import { posix } from 'node:path';
import { dockerfileError } from './errors.ts';
import type { PathPattern } from './path-pattern.ts';
import { compilePathPattern } from './path-pattern.ts';
import { trimSpace } from './space.ts';

/** One line of a .dockerignore. */
export interface IgnorePattern {
  /** As written. */
  readonly text: string;
  readonly line: number;
  /** `!`: takes back what lines above exclude. */
  readonly exception: boolean;
}

/** What the lines say of one path; children need it, since a line that matches a folder matches all below. */
export interface IgnoreState {
  readonly excluded: boolean;
  /** The line that decided: the last one that matches. */
  readonly pattern?: IgnorePattern;
  /** Which lines match the path or a folder above it. */
  readonly matched: readonly boolean[];
}

export interface IgnoreMatcher {
  readonly patterns: readonly IgnorePattern[];
  /** For a walk from the root: the state of `path`, given that of the folder it is in (undefined at the root). */
  enter(path: string, parent?: IgnoreState): IgnoreState;
  excludes(path: string): boolean;
  /** Whether a line takes back something below the folder, so that a walk must descend though the folder is excluded. */
  couldIncludeBelow(folder: string): boolean;
  /** Whether a line matches something below the folder. */
  couldMatchBelow(folder: string): boolean;
  /** The line because of which `path` is excluded. */
  explain(path: string): IgnorePattern | undefined;
}

/** Paths and patterns have `/`, are relative to the context root, and begin with neither `/` nor `./`. */
class Matcher implements IgnoreMatcher {
  readonly patterns: readonly IgnorePattern[];
  readonly #compiled: readonly PathPattern[];

  constructor(patterns: readonly IgnorePattern[], compiled: readonly PathPattern[]) {
    this.patterns = patterns;
    this.#compiled = compiled;
  }

  enter(path: string, parent?: IgnoreState): IgnoreState {
    let decided: IgnorePattern | undefined;
    const matched = this.patterns.map((pattern, index) => {
      const matches = parent?.matched[index] === true || this.#compiled[index]?.matches(path) === true;
      if (matches) decided = pattern;
      return matches;
    });
    if (decided === undefined) return { excluded: false, matched };
    return { excluded: !decided.exception, pattern: decided, matched };
  }

  excludes(path: string): boolean {
    return this.#stateOf(path)?.excluded === true;
  }

  couldIncludeBelow(folder: string): boolean {
    return this.patterns.some(
      (pattern, index) => pattern.exception && this.#compiled[index]?.couldMatchBelow(folder) === true,
    );
  }

  couldMatchBelow(folder: string): boolean {
    return this.patterns.some(
      ({ exception }, index) => !exception && this.#compiled[index]?.couldMatchBelow(folder) === true,
    );
  }

  explain(path: string): IgnorePattern | undefined {
    const state = this.#stateOf(path);
    return state?.excluded === true ? state.pattern : undefined;
  }

  #stateOf(path: string): IgnoreState | undefined {
    const names = posix.normalize(path).split('/').filter(Boolean);
    let state: IgnoreState | undefined;
    for (let depth = 1; depth <= names.length; depth++)
      state = this.enter(names.slice(0, depth).join('/'), state);
    return state;
  }
}

/**
 * The patterns of `--exclude` and `--parents`, as moby/patternmatcher takes them: white space around them and `!` before
 * them count as in a .dockerignore. Undefined where one of them is malformed.
 */
export function matchPatterns(texts: readonly string[]): IgnoreMatcher | undefined {
  const patterns: IgnorePattern[] = [];
  const compiled: PathPattern[] = [];
  for (const [index, raw] of texts.entries()) {
    const written = trimSpace(raw);
    if (written === '') continue;
    const exception = written.startsWith('!');
    const body = exception ? written.slice(1) : written;
    const pattern = body === '' ? undefined : compilePathPattern(cleanPath(body));
    if (pattern === undefined) return undefined;
    patterns.push({ text: written, line: index + 1, exception });
    compiled.push(pattern);
  }
  return new Matcher(patterns, compiled);
}

/**
 * Parses a .dockerignore (moby/patternmatcher 0.6): `#` comments in the first column only, `!` exceptions, `**`; the last
 * line that matches a path or a folder above it decides. Throws DOCKERFILE_INVALID with the line.
 */
export function parseIgnore(text: string, options: { readonly file: string }): IgnoreMatcher {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const patterns: IgnorePattern[] = [];
  const compiled: PathPattern[] = [];
  for (const [index, raw] of lines.entries()) {
    if (raw.startsWith('#')) continue;
    const written = trimSpace(raw);
    if (written === '') continue;
    const exception = written.startsWith('!');
    const location = {
      file: options.file,
      line: index + 1,
      column: raw.indexOf(written) + 1,
      endColumn: raw.indexOf(written) + written.length + 1,
      excerpt: [raw.replace(/\r$/, '')],
    };
    const body = exception ? trimSpace(written.slice(1)) : written;
    if (body === '')
      throw dockerfileError('illegal exclusion pattern: "!"', location, 'Write a pattern behind the !.');
    const pattern = compilePathPattern(cleanPattern(body));
    if (pattern === undefined) {
      const message = `syntax error in pattern ${JSON.stringify(written)}`;
      throw dockerfileError(message, location, 'Close the [, or write \\[ for the character.');
    }
    patterns.push({ text: written, line: index + 1, exception });
    compiled.push(pattern);
  }
  return new Matcher(patterns, compiled);
}

/** Go's filepath.Clean, and no slash in front. */
function cleanPattern(text: string): string {
  const clean = cleanPath(text);
  return clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
}

/** Go's filepath.Clean. */
function cleanPath(text: string): string {
  const clean = posix.normalize(text);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
