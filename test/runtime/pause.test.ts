import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { pauseProgram } from '../../src/runtime/pause.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

describe('the pause program', () => {
  const folder = useTemporaryFolder();

  it('is a small static ELF for both architectures', () => {
    for (const architecture of ['x64', 'arm64']) {
      const program = pauseProgram(architecture);
      expect(program.subarray(0, 4).toString('latin1')).to.equal('\x7fELF');
      expect(program.length).to.be.lessThan(512);
    }
    expect(() => pauseProgram('mips')).to.throw(/no pause program/);
  });

  it('waits until SIGTERM, and ends at once with an argument', async function () {
    if (process.arch !== 'x64' && process.arch !== 'arm64') this.skip();
    const path = join(folder(), 'pause');
    writeFileSync(path, pauseProgram(process.arch), { mode: 0o755 });
    expect(spawnSync(path, ['probe']).status).to.equal(0);
    const child = spawn(path, { stdio: 'ignore' });
    // It sleeps in rt_sigtimedwait, having said that it ignores SIGCHLD (bit 16).
    for (let waits = false; !waits; ) {
      await delay(5);
      const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
      const ignored = BigInt(`0x${/SigIgn:\s*([0-9a-f]+)/.exec(status)?.[1] ?? '0'}`);
      waits = (ignored & (1n << 16n)) !== 0n && /State:\s*S/.test(status);
    }
    expect(child.exitCode).to.equal(null);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
  });
});
