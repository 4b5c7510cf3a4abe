import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { fsOps, makeDevice, splitDevice } from '../../src/layers/fs-ops.ts';

describe('layers/fs-ops', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-fs-ops-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('reads, lists and removes attributes, large ones too, of names that are not UTF-8', () => {
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x41])]);
    writeFileSync(path, '');
    expect(fsOps.llistxattr(path)).to.deep.equal([]);
    fsOps.lsetxattr(path, 'user.a', Buffer.from([1, 0, 2]));
    fsOps.lsetxattr(path, 'user.empty', Buffer.alloc(0));
    fsOps.lsetxattr(path, 'trusted.long', Buffer.alloc(3000, 7));
    expect([...fsOps.llistxattr(path)].sort()).to.deep.equal(['trusted.long', 'user.a', 'user.empty']);
    expect(fsOps.lgetxattr(path, 'user.a')).to.deep.equal(Buffer.from([1, 0, 2]));
    expect(fsOps.lgetxattr(path, 'user.empty')).to.have.length(0);
    expect(fsOps.lgetxattr(path, 'trusted.long')).to.have.length(3000);
    expect(fsOps.lgetxattr(path, 'user.none')).to.equal(undefined);
    expect(fsOps.lremovexattr(path, 'user.a')).to.equal(true);
    expect(fsOps.lremovexattr(path, 'user.a')).to.equal(false);
  });

  it('makes devices and FIFOs', () => {
    fsOps.mknod(`${folder}/c`, { type: 'character-device', mode: 0o600, major: 300, minor: 70_000 });
    fsOps.mkfifo(`${folder}/p`, 0o600);
    expect(lstatSync(`${folder}/c`).isCharacterDevice()).to.equal(true);
    expect(splitDevice(lstatSync(`${folder}/c`).rdev)).to.deep.equal({ major: 300, minor: 70_000 });
    expect(lstatSync(`${folder}/p`).isFIFO()).to.equal(true);
    expect(splitDevice(makeDevice(4095, 1_048_575))).to.deep.equal({ major: 4095, minor: 1_048_575 });
  });

  it('sets the nanoseconds of a symlink and not of its target', () => {
    writeFileSync(`${folder}/file`, '');
    symlinkSync('file', `${folder}/link`);
    const before = lstatSync(`${folder}/file`, { bigint: true }).mtimeNs;
    fsOps.utimensat(`${folder}/link`, { seconds: -5, nanoseconds: 123_456_789 });
    expect(lstatSync(`${folder}/link`, { bigint: true }).mtimeNs).to.equal(-5_000_000_000n + 123_456_789n);
    expect(lstatSync(`${folder}/file`, { bigint: true }).mtimeNs).to.equal(before);
  });

  it('copies a file and never over another', () => {
    writeFileSync(`${folder}/a`, 'text');
    fsOps.copyFile(`${folder}/a`, `${folder}/b`);
    expect(readFileSync(`${folder}/b`, 'utf8')).to.equal('text');
    expect(() => fsOps.copyFile(`${folder}/a`, `${folder}/b`)).to.throw(/EEXIST/);
  });

  it('says what failed, with the path and the errno', () => {
    const path = `${folder}/gone`;
    expect(() => fsOps.lsetxattr(path, 'user.a', Buffer.alloc(1))).to.throw(`of "${path}": ENOENT`);
    expect(() => fsOps.mkfifo(`${folder}/a\0b`, 0o600)).to.throw('NUL');
    try {
      fsOps.mount('none', path, { type: 'tmpfs' });
      expect.fail('must throw');
    } catch (error) {
      expect(isHawserError(error, 'MOUNT_FAILED')).to.equal(true);
    }
    expect(fsOps.unmount(folder)).to.equal(false);
  });
});
