import type { SourceLocation } from '../../errors/hawser-error.ts';
import type { EscapeToken } from './ast.ts';
import { dockerfileError } from './errors.ts';
import type { ExpandOptions, Expansion, Variables } from './expander.ts';
import { Expander, ExpansionError } from './expander.ts';

export interface ExpandWordOptions {
  readonly escape: EscapeToken;
  /** Where the word stands, for the error. */
  readonly location?: () => SourceLocation;
}

/**
 * Resolves variables, quotes and escapes in one word; `words` is the same, split at blanks after the expansion, as EXPOSE
 * wants it. Throws DOCKERFILE_INVALID for a word that cannot be expanded, `${v:?message}` included.
 */
export function expandWord(word: string, variables: Variables, options: ExpandWordOptions): Expansion {
  return run(word, variables, { escape: options.escape, location: options.location });
}

/** The body of a heredoc of COPY and ADD: `\` escapes whatever the directive says, quotes are text. */
export function expandText(
  text: string,
  variables: Variables,
  options: { readonly location?: () => SourceLocation } = {},
): Expansion {
  return run(text, variables, { escape: '\\', plainQuotes: true, location: options.location });
}

interface RunOptions extends ExpandOptions {
  readonly location: (() => SourceLocation) | undefined;
}

function run(text: string, variables: Variables, options: RunOptions): Expansion {
  try {
    return new Expander(text, variables, options).expand();
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    const location = options.location?.() ?? { file: 'Dockerfile', line: 1 };
    const message = `failed to process ${JSON.stringify(text)}: ${error.message}`;
    throw dockerfileError(message, location, error.remedy);
  }
}
