import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { lockFile, lockTransientFile, withFileLock } from '../../src/util/file-lock.ts';

describe('lockFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('excludes a second holder until it is released', async () => {
    const path = join(folder, 'lock');
    const lock = await lockFile(path);
    let thrown: unknown;
    try {
      await lockFile(path, { timeout: 0 });
    } catch (error) {
      thrown = error;
    }
    expect(isHawserError(thrown, 'LOCK_TIMEOUT')).to.equal(true);
    await lock.release();
    expect(await withFileLock(path, async () => 'done', { timeout: 0 })).to.equal('done');
  });

  it('is shared by readers', async () => {
    const path = join(folder, 'lock');
    const first = await lockFile(path, { shared: true });
    const second = await lockFile(path, { shared: true, timeout: 0 });
    await first.release();
    await second.release();
  });

  it('is let go of when its process is killed', async () => {
    const path = join(folder, 'lock');
    const script = `import { lockFile } from ${JSON.stringify(new URL('../../src/util/file-lock.ts', import.meta.url).href)};
      await lockFile(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockFile(path, { timeout: 0 })).release();
  });

  it('of a transient file excludes others, hands over to one that waited, and leaves no file', async () => {
    const path = join(folder, 'lock');
    const held: string[] = [];
    const hold = async (name: string) => {
      const lock = await lockTransientFile(path);
      held.push(name);
      expect(await lockTransientFile(path, { timeout: 0 }).catch(error => error.code)).to.equal(
        'LOCK_TIMEOUT',
      );
      await lock.release();
    };
    await Promise.all(['a', 'b', 'c'].map(hold));
    expect(held.sort()).to.deep.equal(['a', 'b', 'c']);
    expect(await readdir(folder)).to.deep.equal([]);
  });
});
