import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { PlainMounts } from '../../src/runtime/plain-mounts.ts';
import type { PathMount } from '../../src/runtime/step-bundles.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

const old = new Date('2020-01-02T03:04:05Z');

describe('mounts without mount(2)', () => {
  const folder = useTemporaryFolder();
  let rootfs = '';
  let source = '';

  beforeEach(() => {
    rootfs = join(folder(), 'snapshot/fs');
    source = join(folder(), 'source');
    mkdirSync(join(rootfs, 'etc/secret'), { recursive: true });
    writeFileSync(join(rootfs, 'etc/secret/own'), 'of the image');
    mkdirSync(join(source, 'in'), { recursive: true });
    writeFileSync(join(source, 'in/file'), 'shown');
    for (const path of ['etc/secret', 'etc', '']) utimesSync(join(rootfs, path), old, old);
  });

  const mount = (over: Partial<PathMount> = {}): PathMount =>
    ({ type: 'bind', source, target: '/etc/secret', readOnly: true, isFolder: true, ...over }) as PathMount;
  const path = (name: string) => join(rootfs, name);
  const refusal = (mounts: PlainMounts) => {
    try {
      mounts.remove();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('shows a folder, drops what is written there, and puts all back with its times', () => {
    const mounts = new PlainMounts(rootfs, [mount()]);
    expect(readdirSync(path('etc/secret'))).to.deep.equal(['in']);
    writeFileSync(path('etc/secret/in/file'), 'changed');
    mounts.remove();
    expect(readFileSync(join(source, 'in/file'), 'utf8')).to.equal('shown');
    expect(readFileSync(path('etc/secret/own'), 'utf8')).to.equal('of the image');
    for (const name of ['etc/secret', 'etc', '']) expect(lstatSync(path(name)).mtime).to.deep.equal(old);
    expect(readdirSync(join(folder(), 'snapshot'))).to.deep.equal(['fs']);
  });

  it('keeps what is written to a cache: new, changed and removed files', () => {
    writeFileSync(join(source, 'gone'), '');
    const mounts = new PlainMounts(rootfs, [mount({ readOnly: false })]);
    writeFileSync(path('etc/secret/new'), 'new');
    rmSync(path('etc/secret/gone'));
    mounts.remove();
    expect(readdirSync(source).sort()).to.deep.equal(['in', 'new']);
    expect(readFileSync(path('etc/secret/own'), 'utf8')).to.equal('of the image');
  });

  it('parts a file of a cache from the name that a step links to it', () => {
    const mounts = new PlainMounts(rootfs, [mount({ readOnly: false })]);
    linkSync(path('etc/secret/in/file'), path('etc/linked'));
    mounts.remove();
    expect(lstatSync(join(source, 'in/file')).nlink).to.equal(1);
    expect(lstatSync(path('etc/linked')).nlink).to.equal(1);
    expect(readFileSync(path('etc/linked'), 'utf8')).to.equal('shown');
  });

  it('shows one mount in another', () => {
    const inner = join(folder(), 'inner');
    writeFileSync(inner, 'inner');
    const nested = mount({ source: inner, target: '/etc/secret/deep/one', isFolder: false });
    const mounts = new PlainMounts(rootfs, [mount({ readOnly: false }), nested]);
    expect(readFileSync(path('etc/secret/deep/one'), 'utf8')).to.equal('inner');
    mounts.remove();
    expect(existsSync(join(source, 'deep/one'))).to.equal(false);
    expect(readFileSync(join(source, 'in/file'), 'utf8')).to.equal('shown');
  });

  const secret = () => {
    const file = join(folder(), 'key');
    writeFileSync(file, 'key');
    return mount({ source: file, target: '/etc/key', isFolder: false });
  };
  for (const [name, act] of [
    ['moves the secret', () => renameSync(path('etc/key'), path('kept'))],
    ['links the secret', () => linkSync(path('etc/key'), path('kept'))],
    [
      'moves its folder and puts a link there',
      () => {
        renameSync(path('etc'), path('kept'));
        symlinkSync(folder(), path('etc'));
      },
    ],
    ['replaces its folder', () => (renameSync(path('etc'), path('kept')), mkdirSync(path('etc')))],
  ] as const) {
    it(`refuses a step that ${name}: it must not get into the layer`, () => {
      const mounts = new PlainMounts(rootfs, [secret()]);
      act();
      expect(isHawserError(refusal(mounts), 'UNSUPPORTED')).to.equal(true);
      expect(readFileSync(join(folder(), 'key'), 'utf8')).to.equal('key');
    });
  }

  it('takes a secret that the step removes for removed', () => {
    const mounts = new PlainMounts(rootfs, [secret()]);
    rmSync(path('etc/key'));
    expect(refusal(mounts)).to.equal(undefined);
  });

  it('follows no link out of the rootfs (CVE-2021-30465)', () => {
    symlinkSync(folder(), path('way-out'));
    const mounts = new PlainMounts(rootfs, [mount({ target: '/way-out/x' })]);
    expect(existsSync(join(folder(), 'x'))).to.equal(false);
    mounts.remove();
    expect(readFileSync(join(source, 'in/file'), 'utf8')).to.equal('shown');
  });
});
