/** A package that an image has, as the database says that it came with. */
export interface FoundPackage {
  readonly type: 'deb' | 'apk' | 'rpm' | 'npm';
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  /** As the package says it, whether it is an SPDX expression or not. */
  readonly license?: string;
  /** Who keeps it up, e.g. `Debian Foo Team <foo@debian.org>`. */
  readonly supplier?: string;
  /** More of its package-url: `epoch`, `upstream`. */
  readonly qualifiers?: Readonly<Record<string, string>>;
  /** Where it was read, from the image's root. */
  readonly from: string;
}

/** What /etc/os-release says of the image. */
export interface Distribution {
  /** E.g. `debian` */
  readonly id: string;
  /** E.g. `12` */
  readonly version: string;
}

/** github.com/package-url/purl-spec */
export function packageUrlOf(found: FoundPackage, distribution: Distribution | undefined): string {
  const { type, name, version, architecture } = found;
  const at = `@${encodeURIComponent(version)}`;
  if (type === 'npm') return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}${at}`;
  const qualifiers = new URLSearchParams({
    ...(architecture === undefined ? {} : { arch: architecture }),
    ...found.qualifiers,
    ...(distribution === undefined ? {} : { distro: `${distribution.id}-${distribution.version}` }),
  });
  qualifiers.sort();
  const text = qualifiers.size === 0 ? '' : `?${qualifiers}`;
  return `pkg:${type}/${distribution?.id ?? type}/${encodeURIComponent(name)}${at}${text}`;
}
