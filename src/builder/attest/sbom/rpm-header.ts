import type { FoundPackage } from './found-package.ts';

/** rpm-software-management.github.io/rpm/manual/tags.html */
const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  license: 1014,
  arch: 1022,
};
const sourceTag = 1044;

const INT32 = 4;
const stringTypes = new Set([6, 8, 9]);

/**
 * A package by its header, as databases of rpm hold it: rpm-software-management.github.io/rpm/manual/hregions.html
 *
 * @returns undefined for a key, which rpm keeps among the packages
 * @throws RangeError where it is broken
 */
export function packageOfHeader(header: Buffer, from: string): FoundPackage | undefined {
  const entries = header.readUInt32BE(0);
  const store = 8 + 16 * entries;
  if (entries > 0x10000 || store > header.length) throw new RangeError('a header is longer than its blob');
  const texts = new Map<number, string>();
  for (let index = 0; index < entries; index++) {
    const at = 8 + 16 * index;
    const [tag, type, offset] = [0, 4, 8].map(field => header.readUInt32BE(at + field)) as [
      number,
      number,
      number,
    ];
    if (stringTypes.has(type)) texts.set(tag, textAt(header, store + offset));
    else if (type === INT32 && tag === tags.epoch)
      texts.set(tag, String(header.readUInt32BE(store + offset)));
  }
  const [name, version, release] = [tags.name, tags.version, tags.release].map(tag => texts.get(tag));
  if (name === undefined || version === undefined || name === 'gpg-pubkey') return undefined;
  const optional = {
    architecture: texts.get(tags.arch),
    license: texts.get(tags.license),
    supplier: texts.get(tags.vendor),
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const qualifiers = Object.fromEntries(
    [
      ['epoch', texts.get(tags.epoch)],
      ['upstream', texts.get(sourceTag)],
    ].filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  return {
    type: 'rpm',
    name,
    version: release === undefined ? version : `${version}-${release}`,
    ...given,
    ...(Object.keys(qualifiers).length === 0 ? {} : { qualifiers }),
    from,
  };
}

function textAt(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  if (start > bytes.length || end < 0) throw new RangeError('a text has no end');
  return bytes.toString('utf8', start, end);
}
