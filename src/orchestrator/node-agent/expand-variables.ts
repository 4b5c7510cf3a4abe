/** `$$`, or `$(NAME)`. */
const tokens = /\$(?:(\$)|\(([^)]*)\))/g;

/**
 * Kubernetes' `$(NAME)` in env, command and args: `$$` is a dollar, so that `$$(NAME)` stays `$(NAME)`; a name that is not
 * known and a `$` before anything else stay as they are (kubernetes, third_party/forked/golang/expansion).
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(tokens, (whole, dollar: string | undefined, name: string | undefined) =>
    dollar === undefined ? (variables.get(name ?? '') ?? whole) : '$',
  );
}

/** The names that a text asks for and that are not known. */
export function unknownVariables(text: string, variables: ReadonlyMap<string, string>): readonly string[] {
  return [...text.matchAll(tokens)].flatMap(([, , name]) =>
    name === undefined || variables.has(name) ? [] : [name],
  );
}
