/** A line of a password file: its user and the hash, and where it stands. */
export interface PasswordEntry {
  readonly user: string;
  readonly hash: string;
  /** From 1. */
  readonly line: number;
}

const bcryptPattern = /^\$2[abxy]?\$\d{2}\$[./A-Za-z0-9]{53}$/;

export function isBcryptHash(hash: string): boolean {
  return bcryptPattern.test(hash);
}

/** The entries of a file of Apache's `htpasswd`; blank lines and comments are passed over. */
export function parseHtpasswd(text: string): PasswordEntry[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    const colon = line.indexOf(':');
    if (line === '' || line.startsWith('#') || colon < 1) return [];
    return [{ user: line.slice(0, colon), hash: line.slice(colon + 1).trim(), line: index + 1 }];
  });
}

/** The text with the line of `user` replaced, added, or, where `hash` is left out, removed. */
export function withPassword(text: string, user: string, hash: string | undefined): string {
  const lines = text.split('\n').filter((line, index, all) => line !== '' || index < all.length - 1);
  const at = lines.findIndex(line => line.trim().startsWith(`${user}:`));
  const rest = lines.filter(line => !line.trim().startsWith(`${user}:`));
  if (hash !== undefined) rest.splice(at < 0 ? rest.length : at, 0, `${user}:${hash}`);
  return rest.length === 0 ? '' : `${rest.join('\n')}\n`;
}
