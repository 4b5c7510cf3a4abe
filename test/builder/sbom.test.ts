import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { packageUrlOf } from '../../src/builder/attest/sbom/found-package.ts';
import { type ScannedImage, scanImage } from '../../src/builder/attest/sbom/scan-image.ts';
import { installedPackages, makeRpms, ndbOf, writeBerkeleyDb } from './rpm-databases.ts';

const golden = fileURLToPath(new URL('golden/sbom', import.meta.url));

describe('the packages of an image', function () {
  this.timeout(120_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-sbom-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (files: Readonly<Record<string, string | object>>) => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
    }
  };
  const names = ({ packages }: ScannedImage) =>
    packages.map(({ name, version }) => `${name} ${version}`).toSorted();

  describe('of apk', () => {
    it('are those of its database, without their files', () => {
      const { packages, distribution, notes } = scanImage(join(golden, 'apk'));
      expect(notes).to.deep.equal([]);
      expect(packages.map(found => packageUrlOf(found, distribution))).to.deep.equal([
        'pkg:apk/alpine/alpine-baselayout-data@3.6.5-r0?arch=x86_64&distro=alpine-3.20.3&upstream=alpine-baselayout',
        'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3',
        'pkg:apk/alpine/libcrypto3@3.3.2-r1?arch=x86_64&distro=alpine-3.20.3&upstream=openssl',
        // of `apk add --virtual`, as `apk info` lists it
        'pkg:apk/alpine/.build-deps@20241103.120000?arch=noarch&distro=alpine-3.20.3',
      ]);
      expect(packages[0]).to.include({
        license: 'GPL-2.0-only',
        supplier: 'Natanael Copa <ncopa@alpinelinux.org>',
        from: 'lib/apk/db/installed',
      });
    });

    it('are found where /lib is a link, once', () => {
      mkdirSync(join(folder, 'usr/lib/apk/db'), { recursive: true });
      copyFileSync(join(golden, 'apk/lib/apk/db/installed'), join(folder, 'usr/lib/apk/db/installed'));
      symlinkSync('usr/lib', join(folder, 'lib'));
      expect(scanImage(folder).packages).to.have.length(4);
    });
  });

  describe('of rpm', () => {
    let rpms: ReturnType<typeof makeRpms>;
    before(() => {
      rpms = makeRpms();
    });
    after(() => rpms.close());

    /** What an SBOM says, as `installedPackages` has rpm say it. */
    const told = (root: string) => {
      const { packages, notes } = scanImage(root);
      expect(notes).to.deep.equal([]);
      return packages
        .map(({ name, version, architecture, license, supplier = '(none)', qualifiers }) =>
          [name, version, architecture, license, supplier, qualifiers?.epoch, qualifiers?.upstream].join('|'),
        )
        .toSorted();
    };

    it('are those that rpm lists, in SQLite', () => {
      rpms.install(folder);
      const expected = installedPackages(folder);
      expect(expected).to.have.length(62);
      expect(told(folder)).to.deep.equal(expected);
    });

    it('are those that are left when some are removed, and those that came after', () => {
      rpms.install(folder);
      rpms.remove(folder, ['part1', 'part30', 'huge']);
      rpms.install(folder, ['part30']);
      const expected = installedPackages(folder);
      expect(expected).to.have.length(60);
      expect(told(folder)).to.deep.equal(expected);
    });

    it('are the same in the form of SUSE (ndb)', () => {
      rpms.install(folder);
      const expected = installedPackages(folder);
      const root = join(folder, 'ndb');
      mkdirSync(join(root, 'usr/lib/sysimage/rpm'), { recursive: true });
      writeFileSync(join(root, 'usr/lib/sysimage/rpm/Packages.db'), ndbOf(folder));
      mkdirSync(join(root, 'var/lib'), { recursive: true });
      symlinkSync('../../usr/lib/sysimage/rpm', join(root, 'var/lib/rpm'));
      expect(told(root)).to.deep.equal(expected);
    });

    for (const order of ['little', 'big'] as const) {
      it(`are the same in a Berkeley DB, ${order}-endian`, () => {
        rpms.install(folder);
        const expected = installedPackages(folder);
        const root = join(folder, 'berkeley');
        mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
        writeBerkeleyDb(folder, join(root, 'var/lib/rpm/Packages'), order);
        expect(told(root)).to.deep.equal(expected);
        const whole = readFileSync(join(root, 'var/lib/rpm/Packages'));
        writeFileSync(join(root, 'var/lib/rpm/Packages'), whole.subarray(0, whole.length / 2));
        const { notes } = scanImage(root);
        expect(notes.join()).to.match(/^var\/lib\/rpm\/Packages cannot be read: /);
      });
    }

    it('are noted where their database cannot be read', () => {
      rpms.install(folder);
      const database = readFileSync(join(folder, 'var/lib/rpm/rpmdb.sqlite'));
      for (const [title, bytes] of Object.entries({
        short: database.subarray(0, 50_000),
        other: Buffer.from('not a database at all'.repeat(10)),
        zeros: Buffer.concat([database.subarray(0, 100), Buffer.alloc(100_000)]),
      })) {
        const root = join(folder, title);
        mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
        writeFileSync(join(root, 'var/lib/rpm/rpmdb.sqlite'), bytes);
        const { notes } = scanImage(root);
        expect(notes, title).to.have.length(1);
        expect(notes[0]).to.match(/^var\/lib\/rpm\/rpmdb\.sqlite cannot be read: /);
      }
    });
  });

  describe('of npm', () => {
    it('are those of every folder node_modules', () => {
      write({
        'app/package.json': { name: 'app', version: '1.0.0' },
        'app/package-lock.json': {
          lockfileVersion: 3,
          packages: { 'node_modules/gone': { version: '9.0.0' } },
        },
        'app/node_modules/a/package.json': { name: 'a', version: '1.0.0', license: 'MIT' },
        'app/node_modules/a/node_modules/b/package.json': { name: 'b', version: '2.0.0' },
        'app/node_modules/a/test/fixture/package.json': { name: 'fixture', version: '0.0.0' },
        'app/node_modules/@scope/c/package.json': { name: '@scope/c', version: '3.0.0-rc.1' },
        'app/node_modules/.bin/tool': '#!/bin/sh\n',
        'app/node_modules/.package-lock.json': { packages: {} },
        'app/node_modules/broken/package.json': '{',
        'app/node_modules/nameless/package.json': { type: 'module' },
        'usr/lib/node_modules/npm/package.json': { name: 'npm', version: '10.0.0' },
      });
      symlinkSync('..', join(folder, 'app/node_modules/self'));
      const scanned = scanImage(folder);
      expect(names(scanned)).to.deep.equal(['@scope/c 3.0.0-rc.1', 'a 1.0.0', 'b 2.0.0', 'npm 10.0.0']);
      expect(scanned.packages.map(found => packageUrlOf(found, undefined))).to.include(
        'pkg:npm/%40scope/c@3.0.0-rc.1',
      );
    });

    it('are those of a lock where nothing is installed', () => {
      write({
        'app/package-lock.json': {
          lockfileVersion: 3,
          packages: {
            '': { name: 'app' },
            'node_modules/a': { version: '1.0.0', license: 'MIT' },
            'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
            'node_modules/tool': { version: '3.0.0', dev: true },
            'node_modules/linked': { resolved: 'packages/linked', link: true },
            'packages/linked': { version: '4.0.0' },
          },
        },
      });
      expect(names(scanImage(folder))).to.deep.equal(['@s/b 2.0.0', 'a 1.0.0']);
    });

    it('are those of a lock of npm 6', () => {
      write({
        'app/package-lock.json': {
          lockfileVersion: 1,
          dependencies: {
            a: { version: '1.0.0', dependencies: { '@s/b': { version: '2.0.0' } } },
            tool: { version: '3.0.0', dev: true },
          },
        },
      });
      expect(names(scanImage(folder))).to.deep.equal(['@s/b 2.0.0', 'a 1.0.0']);
    });

    it('are those that npm lists of this repository', () => {
      const repository = fileURLToPath(new URL('../..', import.meta.url));
      const { stdout } = spawnSync('npm', ['query', '*'], { cwd: repository, encoding: 'utf8' });
      const listed = (JSON.parse(stdout) as { name: string; version: string; location: string }[])
        .filter(({ location }) => location !== '')
        .map(({ name, version }) => `${name} ${version}`);
      expect([...new Set(names(scanImage(repository)))]).to.have.members([...new Set(listed)]);
    });
  });

  it('of dpkg are the installed ones only, of an image without dpkg too', () => {
    write({
      'var/lib/dpkg/status':
        'Package: a\nStatus: install ok installed\nVersion: 1:2-3\nArchitecture: all\nSource: src (1)\n\n' +
        'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n',
      'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a\nDescription: zones\n more: of it\n',
      'var/lib/dpkg/status.d/tzdata.md5sums': 'Package: none\nVersion: 1\n',
      'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    });
    const { packages, distribution } = scanImage(folder);
    expect(packages.map(found => packageUrlOf(found, distribution))).to.deep.equal([
      'pkg:deb/debian/a@1%3A2-3?arch=all&distro=debian-12&upstream=src',
      'pkg:deb/debian/tzdata@2024a?distro=debian-12',
    ]);
  });
});
