/**
 * Kubernetes' `$(NAME)` in env, command and args: `$$` is a dollar, so that `$$(NAME)` stays `$(NAME)`; a name that is not
 * known and a `$` before anything else stay as they are (kubernetes, third_party/forked/golang/expansion).
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:(\$)|\(([^)]*)\))/g,
    (whole, dollar: string | undefined, name: string | undefined) => {
      if (dollar !== undefined) return '$';
      return variables.get(name ?? '') ?? whole;
    },
  );
}
