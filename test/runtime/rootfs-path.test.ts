import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { resolveInRootfs } from '../../src/runtime/rootfs-path.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

const links: readonly (readonly [string, string])[] = [
  ['abs', '/data'],
  ['up', '../../../../../../../etc'],
  ['data/in', '../abs/x'],
  ['host', '/proc/self/root'],
  ['loop', 'loop'],
];

const cases: readonly (readonly [string, string])[] = [
  ['/data', 'data'],
  ['/', ''],
  ['/abs/file', 'data/file'],
  ['/up/passwd', 'etc/passwd'],
  ['/../../etc/passwd', 'etc/passwd'],
  ['/data/in/y', 'data/x/y'],
  ['/host/etc', 'proc/self/root/etc'],
  ['/not/there/../here', 'not/here'],
];

describe('a path inside a rootfs', () => {
  const folder = useTemporaryFolder();

  beforeEach(() => {
    mkdirSync(join(folder(), 'data'));
    for (const [name, target] of links) symlinkSync(target, join(folder(), name));
  });

  for (const [path, expected] of cases) {
    it(`${path} stays inside (CVE-2022-23648)`, () => {
      expect(resolveInRootfs(folder(), path)).to.equal(join(folder(), expected));
    });
  }

  it('refuses a circle of links', () => {
    expect(() => resolveInRootfs(folder(), '/loop/x')).to.throw(/too many symbolic links/);
  });
});
