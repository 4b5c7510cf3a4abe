import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FilesystemDriver } from '../../../src/registry-server/storage/filesystem-driver.ts';

describe('registry-server: folders that serve again', () => {
  let root: string;
  let driver: FilesystemDriver;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hawser-driver-'));
    driver = new FilesystemDriver(root);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const spent = () => {
    const folder = join(root, 'docker/registry/v2/_hawser/spent');
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  const write = (path: string, content: string) => driver.write(path, content, { durable: false });

  it('makes a new folder of an old one, with the file as the new one has it', async () => {
    await write('a/old/startedat', 'a long time ago');
    const { ino } = statSync(join(root, 'a/old'));
    await driver.retire('a/old', 'startedat');
    expect(existsSync(join(root, 'a/old'))).to.equal(false);
    expect(await driver.revive('b/new', 'startedat', 'now')).to.equal(true);
    expect(statSync(join(root, 'b/new')).ino).to.equal(ino);
    expect(readFileSync(join(root, 'b/new/startedat'), 'utf8')).to.equal('now');
  });

  it('has none before one was retired, nor twice of one', async () => {
    expect(await driver.revive('a/1', 'startedat', '')).to.equal(false);
    await write('a/old/startedat', '');
    await driver.retire('a/old', 'startedat');
    expect(await driver.revive('a/1', 'startedat', '')).to.equal(true);
    expect(await driver.revive('a/2', 'startedat', '')).to.equal(false);
    expect(existsSync(join(root, 'a/2'))).to.equal(false);
  });

  it('removes what has more in it than the file, and asks nothing of what is gone', async () => {
    await write('a/old/startedat', '');
    await write('a/old/hashstates/sha256/0', 'of registry:2');
    await driver.retire('a/old', 'startedat');
    await driver.retire('a/gone', 'startedat');
    expect(existsSync(join(root, 'a/old'))).to.equal(false);
    expect(spent()).to.deep.equal([]);
  });

  it('does without one that a collector has taken', async () => {
    await write('a/old/startedat', '');
    await driver.retire('a/old', 'startedat');
    rmSync(join(root, 'docker'), { recursive: true });
    expect(await driver.revive('a/new', 'startedat', '')).to.equal(false);
    expect(existsSync(join(root, 'a/new'))).to.equal(false);
  });

  it('removes a file without a folder to put it into, which a full disk has no room for', async () => {
    await write('a/file', '');
    await driver.remove('a/file');
    expect(existsSync(join(root, 'docker/registry/v2/_hawser/trash'))).to.equal(false);
    expect(existsSync(join(root, 'a/file'))).to.equal(false);
  });

  it('keeps no more than some, and none when it is closed', async () => {
    for (let index = 0; index < 70; index++) {
      await write(`a/${index}/startedat`, '');
      await driver.retire(`a/${index}`, 'startedat');
    }
    expect(spent().length).to.be.within(1, 64);
    expect(readdirSync(join(root, 'a'))).to.deep.equal([]);
    await driver.close();
    expect(spent()).to.deep.equal([]);
  });
});
