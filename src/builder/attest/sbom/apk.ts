import type { FoundPackage } from './found-package.ts';
import type { ImageFiles } from './image-files.ts';

const databases = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'];

/** Packages that apk has installed: wiki.alpinelinux.org/wiki/Apk_spec, "Installed Database V2". */
export function apkPackages(files: ImageFiles): readonly FoundPackage[] {
  for (const from of databases) {
    const text = files.read(from);
    if (text !== undefined) return text.split('\n\n').flatMap(paragraph => packageOf(paragraph, from));
  }
  return [];
}

function packageOf(paragraph: string, from: string): readonly FoundPackage[] {
  const fields = new Map<string, string>();
  for (const line of paragraph.split('\n')) {
    // Files follow, with the same letters for other things.
    if (line.startsWith('F:')) break;
    if (line[1] === ':') fields.set(line.slice(0, 1), line.slice(2).trim());
  }
  const [name, version] = [fields.get('P'), fields.get('V')];
  if (name === undefined || version === undefined) return [];
  const [architecture, license, supplier, upstream] = ['A', 'L', 'm', 'o'].map(key => fields.get(key));
  return [
    {
      type: 'apk',
      name,
      version,
      ...(architecture === undefined ? {} : { architecture }),
      ...(license === undefined ? {} : { license }),
      ...(supplier === undefined ? {} : { supplier }),
      ...(upstream === undefined || upstream === name ? {} : { qualifiers: { upstream } }),
      from,
    },
  ];
}
