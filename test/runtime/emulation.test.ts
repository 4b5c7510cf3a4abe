import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { parsePlatform } from '../../src/image/platform.ts';
import { requireRunnable } from '../../src/runtime/emulation.ts';
import { exitProgram } from '../../src/runtime/exit-program.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

/** As Linux 6.18 shows what Debian's qemu-user-static has registered. */
const aarch64 = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: PF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;
const s390x = `enabled
interpreter /usr/libexec/qemu-binfmt/s390x-binfmt-P
flags: POCF
offset 0
magic 7f454c4602020100000000000000000000020016
mask ffffffffffffff00fffffffffffffffffffeffff
`;
const arm = `enabled
interpreter /usr/libexec/qemu-binfmt/arm-binfmt-P
flags: PF
offset 0
magic 7f454c4601010100000000000000000002002800
mask ffffffffffffff00fffffffffffffffffeffffff
`;
const jar = 'enabled\ninterpreter /usr/bin/jexec\nflags: \noffset 0\nmagic 504b0304\n';
const extension = 'enabled\ninterpreter /usr/bin/wine\nflags: F\nextension .arm64\n';
/** Of byte 18 on: the machine alone. */
const machineOnly = 'enabled\ninterpreter /qemu\nflags: F\noffset 18\nmagic b700\n';
const unfixed = aarch64
  .replace('flags: PF', 'flags: ')
  .replace('/usr/libexec/qemu-binfmt/aarch64-binfmt-P', '/qemu');

const host = parsePlatform('linux/amd64');

interface Case {
  readonly title: string;
  readonly entries: Readonly<Record<string, string>>;
  readonly platform: string;
  /** What the error says; undefined where programs run. */
  readonly error?: RegExp;
  readonly inRootfs?: string;
}

const cases: readonly Case[] = [
  { title: 'its own', entries: {}, platform: 'linux/amd64' },
  { title: 'what the processor runs too', entries: {}, platform: 'linux/386' },
  { title: "Debian's emulator", entries: { jar, aarch64, s390x }, platform: 'linux/arm64' },
  { title: 'another byte order', entries: { aarch64, s390x }, platform: 'linux/s390x' },
  { title: '32 bits', entries: { arm, aarch64 }, platform: 'linux/arm/v6' },
  { title: 'an offset, and no mask', entries: { machineOnly }, platform: 'linux/arm64' },
  { title: 'one that lies in the image', entries: { unfixed }, platform: 'linux/arm64', inRootfs: 'qemu' },
  { title: 'a fixed one beside one that is not', entries: { a: unfixed, aarch64 }, platform: 'linux/arm64' },
  {
    title: 'none',
    entries: {},
    platform: 'linux/arm64',
    error: /no emulator is registered.*qemu-user-static/s,
  },
  { title: 'that of others', entries: { arm, s390x, jar }, platform: 'linux/arm64', error: /no emulator/ },
  { title: 'one for names of files', entries: { extension }, platform: 'linux/arm64', error: /no emulator/ },
  {
    title: 'one that is disabled',
    entries: { aarch64: aarch64.replace('enabled', 'disabled') },
    platform: 'linux/arm64',
    error: /no emulator/,
  },
  {
    title: 'all of them disabled',
    entries: { aarch64, status: 'disabled\n' },
    platform: 'linux/arm64',
    error: /binfmt_misc is disabled.*Write 1 to/s,
  },
  {
    title: 'one that is not in the image',
    entries: { unfixed },
    platform: 'linux/arm64',
    error: /\/qemu is not in the image.*flag F/s,
  },
  { title: 'an unknown one', entries: { aarch64 }, platform: 'linux/vax', error: /no emulation of it/ },
  { title: 'another system', entries: { aarch64 }, platform: 'windows/amd64', error: /no emulation of it/ },
];

describe('emulation', () => {
  const folder = useTemporaryFolder();

  for (const { title, entries, platform, error, inRootfs } of cases) {
    it(`${platform}: ${title}`, () => {
      const [binfmt, rootfs] = [join(folder(), 'binfmt'), join(folder(), 'rootfs')];
      for (const path of [binfmt, rootfs]) mkdirSync(path);
      for (const [name, text] of Object.entries({ register: '', status: 'enabled\n', ...entries }))
        writeFileSync(join(binfmt, name), text);
      if (inRootfs !== undefined) writeFileSync(join(rootfs, inRootfs), '');
      let said: string | undefined;
      try {
        requireRunnable(parsePlatform(platform), { rootfs, folder: binfmt, host });
      } catch (thrown) {
        if (!isHawserError(thrown, 'UNSUPPORTED')) throw thrown;
        said = `${thrown.message}\n${thrown.remedy}`;
      }
      if (error === undefined) expect(said).to.equal(undefined);
      else expect(said).to.match(error).and.to.include('$BUILDPLATFORM');
    });
  }

  /** By GOARCH: how qemu-user-static calls it. */
  const emulators = {
    amd64: 'x86_64',
    '386': 'i386',
    arm64: 'aarch64',
    arm: 'arm',
    riscv64: 'riscv64',
    ppc64le: 'ppc64le',
    s390x: 's390x',
    mips64le: 'mips64el',
    mips64: 'mips64',
    loong64: 'loongarch64',
  };

  it('is tried with programs that end with 0 under every emulator', () => {
    for (const [architecture, name] of Object.entries(emulators)) {
      const path = join(folder(), architecture);
      writeFileSync(path, exitProgram(architecture) ?? '', { mode: 0o755 });
      const { status, stderr } = spawnSync(`/usr/bin/qemu-${name}-static`, [path], { encoding: 'utf8' });
      expect(status, `${architecture}: ${stderr}`).to.equal(0);
    }
  });

  it('is tried where binfmt_misc cannot be seen', () => {
    const options = { rootfs: folder(), folder: join(folder(), 'none') };
    const own = { ...options, host: parsePlatform('linux/s390x') };
    if (process.arch === 'x64') requireRunnable(parsePlatform('linux/amd64'), own);
    if (process.arch === 'arm64') requireRunnable(parsePlatform('linux/arm64'), own);
    const path = join(folder(), 'exit');
    writeFileSync(path, exitProgram('loong64') ?? '', { mode: 0o755 });
    if (spawnSync(path, { cwd: folder() }).status === 0) return; // this machine emulates even that
    expect(() =>
      requireRunnable(parsePlatform('linux/loong64'), { ...options, host: parsePlatform('linux/amd64') }),
    ).to.throw(/no emulator is registered/);
  });

  it('is not there where there is no temporary folder to try it in', () => {
    const options = { rootfs: folder(), folder: join(folder(), 'none'), host: parsePlatform('linux/s390x') };
    const { TMPDIR } = process.env;
    process.env.TMPDIR = join(folder(), 'missing');
    try {
      expect(() => requireRunnable(parsePlatform('linux/amd64'), options)).to.throw(
        /no emulator is registered/,
      );
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  });
});
