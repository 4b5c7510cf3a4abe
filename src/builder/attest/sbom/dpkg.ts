import type { FoundPackage } from './found-package.ts';
import type { ImageFiles } from './image-files.ts';

/** Fields of each paragraph of a control file: deb822(5). Continuation lines are left out. */
export function* paragraphsOf(text: string): Generator<ReadonlyMap<string, string>, void> {
  for (const paragraph of text.split(/\n[ \t]*\n/)) {
    const fields = new Map<string, string>();
    for (const line of paragraph.split('\n')) {
      const match = /^([^\s:]+):[ \t]*(.*)$/.exec(line);
      if (match !== null) fields.set((match[1] ?? '').toLowerCase(), (match[2] ?? '').trim());
    }
    if (fields.size > 0) yield fields;
  }
}

/** Packages that dpkg has installed; images without dpkg (distroless) have a file for each in status.d. */
export function dpkgPackages(files: ImageFiles): readonly FoundPackage[] {
  const paths = [
    'var/lib/dpkg/status',
    ...files
      .list('var/lib/dpkg/status.d')
      .filter(({ name, isFolder }) => !isFolder && !name.endsWith('.md5sums'))
      .map(({ name }) => `var/lib/dpkg/status.d/${name}`),
  ];
  return paths.flatMap(path => [...packagesIn(files.read(path) ?? '', path)]);
}

function* packagesIn(text: string, from: string): Generator<FoundPackage, void> {
  for (const fields of paragraphsOf(text)) {
    const [name, version, status] = [fields.get('package'), fields.get('version'), fields.get('status')];
    if (name === undefined || version === undefined) continue;
    // `deinstall ok config-files` has gone but for its configuration.
    if (status !== undefined && !status.endsWith(' installed')) continue;
    const [architecture, supplier] = [fields.get('architecture'), fields.get('maintainer')];
    const upstream = /^\S+/.exec(fields.get('source') ?? '')?.[0];
    yield {
      type: 'deb',
      name,
      version,
      ...(architecture === undefined ? {} : { architecture }),
      ...(supplier === undefined ? {} : { supplier }),
      ...(upstream === undefined ? {} : { qualifiers: { upstream } }),
      from,
    };
  }
}
