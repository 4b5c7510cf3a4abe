/** One challenge of a `WWW-Authenticate` header: RFC 9110 section 11.6.1. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const pattern = new RegExp(
  `[\\s,]*(?:(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*)(?=[\\s,]|$))|(${token})(?=[\\s,]|$))`,
  'gy',
);

/** The challenges of a header; what cannot be read ends the list. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const [, name, quoted, plain, scheme] of (header ?? '').slice(0, 8192).matchAll(pattern)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const current = challenges.at(-1);
    if (name === undefined || current === undefined) continue;
    current.parameters[name.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
  }
  return challenges;
}

/** The header of a challenge, values quoted. */
export function formatChallenge({ scheme, parameters }: Challenge): string {
  const words = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`,
  );
  const title = scheme.charAt(0).toUpperCase() + scheme.slice(1);
  return words.length === 0 ? title : `${title} ${words.join(',')}`;
}
