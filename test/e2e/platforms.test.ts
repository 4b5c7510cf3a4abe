import { join } from 'node:path';
import { expect } from 'chai';
import { unpackedPackage } from './support/debian.ts';
import { Emulation, foreign } from './support/emulation.ts';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
const platforms = `linux/${own},linux/${foreign.architecture}`;

describe('images of several platforms', function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  let emulation: Emulation;
  let registry: ServedRegistry;

  before(async () => {
    sandbox = await Sandbox.create();
    registry = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
    for (const architecture of [own, foreign.architecture]) {
      const archive = await unpackedPackage('busybox-static', { architecture });
      const files = join(sandbox.folder, 'base', architecture);
      await run(['mkdir', '-p', files], { check: true });
      await run(['tar', '-xf', archive, '-C', files, './bin/busybox'], { check: true });
      for (const name of ['sh', 'uname', 'cat'])
        await run(['ln', '-s', 'busybox', join(files, 'bin', name)], { check: true });
    }
    emulation = await Emulation.open(join(sandbox.folder, 'base', foreign.architecture, 'bin/busybox'));
    await sandbox.write({
      'base/Dockerfile': 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n',
      'app/Dockerfile': 'FROM base\nRUN uname -m > /machine\nRUN cat /machine && echo done >> /machine\n',
      'cross/Dockerfile': `FROM --platform=$BUILDPLATFORM base AS make
ARG TARGETARCH
RUN uname -m > /made && echo $TARGETARCH >> /made
FROM base
COPY --from=make /made /made
`,
    });
    await sandbox.hawser('build', '--platform', platforms, '-t', 'base', 'base');
  });
  after(async () => {
    await emulation?.close();
    await registry?.stop();
    await sandbox?.dispose();
  });

  const build = (name: string, ...flags: string[]) =>
    sandbox.try([
      'build',
      '--no-cache',
      '--platform',
      platforms,
      '--timestamp',
      '1700000000',
      '-o',
      `type=local,dest=out-${name}`,
      '-t',
      `${name}:1`,
      ...flags,
      name,
    ]);
  const made = async (path: string) =>
    (await run(['cat', join(sandbox.folder, path)], { check: true })).stdout.trim().split('\n');
  const uname = async () => (await run(['uname', '-m'], { check: true })).stdout.trim();

  describe('from a base that is here for another platform only', () => {
    const name = () => `${registry.host}/single`;
    const platformOf = async (image: string) =>
      await sandbox.hawser('image', 'inspect', '-f', '{{.Architecture}}', image);
    const from = (tag: string, platform: string) =>
      sandbox.try(['build', '--platform', `linux/${platform}`, '-t', 'got:1', '-f', '-', 'base'], {
        input: `FROM ${name()}:${tag}\nCOPY Dockerfile /\n`,
      });

    before(async () => {
      for (const architecture of [own, foreign.architecture]) {
        const flags = ['--platform', `linux/${architecture}`, '-t', `${name()}:${architecture}`];
        await sandbox.hawser('build', '-q', ...flags, '--push', 'base');
      }
      await sandbox.hawser('tag', `${name()}:${own}`, `${name()}:both`);
      await sandbox.hawser('push', '-q', `${name()}:both`);
      for (const tag of ['both', 'here'])
        await sandbox.hawser('tag', `${name()}:${foreign.architecture}`, `${name()}:${tag}`);
      await sandbox.hawser('rmi', `${name()}:${foreign.architecture}`);
    });

    it('take the one of the registry, and leave the one that is here', async () => {
      const { code, stderr } = await from('both', own);
      expect(code, stderr).to.equal(0);
      expect(stderr).to.include('resolve').and.not.to.include('InvalidBaseImagePlatform');
      expect(await platformOf('got:1')).to.equal(own);
      expect(await platformOf(`${name()}:both`)).to.equal(foreign.architecture);
      expect((await from('both', foreign.architecture)).stderr).not.to.include('resolve');
    });

    it('say so where the registry has none', async () => {
      const { code, stderr } = await from('here', own);
      expect(code).to.equal(1);
      expect(stderr)
        .to.include(`/single:here in the local store is for linux/${foreign.architecture}, not linux/${own}`)
        .and.to.include('[PLATFORM_UNAVAILABLE]')
        .and.to.include('at Dockerfile:1:6')
        .and.to.include(`Build with --platform linux/${foreign.architecture}`);
    });

    it('warn where the registry has nothing else', async () => {
      const { code, stderr } = await from(foreign.architecture, own);
      expect(code, stderr).to.equal(0);
      expect(stderr).to.include('InvalidBaseImagePlatform');
    });
  });

  it('are cross-built without an emulator', async () => {
    const { code, stderr } = await build('cross');
    expect(code, stderr).to.equal(0);
    for (const architecture of [own, foreign.architecture]) {
      expect(await made(`out-cross/linux_${architecture}/made`)).to.deep.equal([await uname(), architecture]);
    }
  });

  it('say what a RUN lacks where there is no emulator', async () => {
    if (emulation.wasThere) return; // that of the machine is not taken away
    const { code, stderr } = await build('app');
    expect(code).to.equal(1);
    expect(stderr)
      .to.include(`a RUN step for linux/${foreign.architecture} cannot run on linux/${own}`)
      .and.to.include('no emulator is registered [UNSUPPORTED]')
      .and.to.include('at Dockerfile:2')
      .and.to.include('qemu-user-static')
      .and.to.include('$BUILDPLATFORM');
    const flags = ['--rm', '--network', 'none', '--platform', `linux/${foreign.architecture}`];
    const ran = await sandbox.try(['run', ...flags, 'base', 'uname', '-m']);
    expect(ran.code).not.to.equal(0);
    expect(ran.stderr)
      .to.include(
        `base is for linux/${foreign.architecture}, which may not run here: no emulator is registered`,
      )
      .and.to.include('qemu-user-static');
  });

  it('run their steps in an emulator that the kernel starts', async () => {
    const isRegistered = await emulation.register();
    const digests: string[] = [];
    for (const isolation of ['oci', 'chroot']) {
      const { code, stdout, stderr } = await build('app', '--isolation', isolation, '-q');
      if (!isRegistered) {
        console.log('      the kernel registers no emulator here');
        expect(stderr).to.include('no emulator is registered [UNSUPPORTED]');
        continue;
      }
      expect(code, stderr).to.equal(0);
      digests.push(stdout.trim());
      expect(await made(`out-app/linux_${own}/machine`)).to.deep.equal([await uname(), 'done']);
      expect(await made(`out-app/linux_${foreign.architecture}/machine`)).to.deep.equal([
        foreign.uname,
        'done',
      ]);
    }
    expect(new Set(digests).size).to.equal(isRegistered ? 1 : 0);
    const flags = ['--rm', '--network', 'none', '--platform', `linux/${foreign.architecture}`];
    const ran = await sandbox.try(['run', ...flags, 'base', 'uname', '-m']);
    expect(ran.stdout.trim()).to.equal(isRegistered ? foreign.uname : '');
    if (isRegistered) expect(ran.stderr).to.equal('');
    expect(await sandbox.mounts()).to.deep.equal([]);
  });
});
