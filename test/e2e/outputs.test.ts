import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { removeCgroup } from '../../src/runtime/remove-cgroup.ts';
import { DockerDaemon } from './support/dockerd.ts';
import { type ServedRegistry, serveDebian, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

interface Manifest {
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config: { readonly mediaType: string; readonly digest: string };
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[];
}

interface Index {
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform?: { readonly os: string; readonly architecture: string };
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

/** Runs on any machine: nothing is executed for the target. */
const crossDockerfile = [
  'FROM --platform=$BUILDPLATFORM busybox AS build',
  'RUN echo common > /common',
  'ARG TARGETPLATFORM',
  'RUN echo $TARGETPLATFORM > /platform',
  'FROM scratch',
  'ARG TARGETARCH',
  'ENV ARCH=$TARGETARCH',
  'COPY --from=build /bin/busybox /bin/busybox',
  'COPY --from=build /common /platform /',
  'CMD ["/bin/busybox", "cat", "/platform"]',
].join('\n');

describe('what a build puts out', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let docker: DockerDaemon;
  const registries: Record<string, ServedRegistry> = {};

  before(async () => {
    sandbox = await Sandbox.create();
    docker = await DockerDaemon.start();
    await sandbox.importBusybox();
    await sandbox.write({
      'app/Dockerfile': 'FROM busybox\nCOPY f /f\nRUN echo made > /made\nCMD ["cat", "/f"]\n',
      'app/f': 'file\n',
      'cross/Dockerfile': crossDockerfile,
      'foreign/Dockerfile': 'FROM --platform=$TARGETPLATFORM scratch\nCOPY f /f\nRUN ["/f"]\n',
      'foreign/f': 'x',
      'forms/Dockerfile': 'FROM busybox AS out\nCOPY f /f\nCOPY f /g\n',
      'forms/f': 'file\n',
    });
    registries.hawser = await serveHawser(sandbox, join(sandbox.folder, 'volume-hawser'));
    registries.debian = await serveDebian(sandbox, join(sandbox.folder, 'volume-debian'));
  });
  after(async () => {
    for (const registry of Object.values(registries)) await registry.stop();
    await docker?.stop();
    await sandbox?.dispose();
  });

  const skopeo = async (...args: string[]) =>
    (await run(['skopeo', ...args], { check: true, cwd: sandbox.folder })).stdout.trim();
  const raw = async <Document>(name: string) =>
    JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`)) as Document;
  const path = (...parts: string[]) => join(sandbox.folder, ...parts);
  const hostOf = (kind: string) => registries[kind]?.host ?? '';

  for (const kind of ['hawser', 'debian']) {
    it(`pushes under several names (${kind}), and docker runs it`, async () => {
      const name = `${hostOf(kind)}/app`;
      await sandbox.hawser(
        'build',
        '-t',
        `${name}:1`,
        '-t',
        `${name}:2`,
        '--push',
        '--metadata-file',
        'meta.json',
        '--iidfile',
        'id',
        'app',
      );
      const meta = JSON.parse(readFileSync(path('meta.json'), 'utf8'));
      expect(meta).to.include({
        'containerimage.config.digest': readFileSync(path('id'), 'utf8'),
        'image.name': `${name}:1,${name}:2`,
      });
      expect(meta['containerimage.descriptor'].digest).to.equal(meta['containerimage.digest']);
      expect(meta['buildx.build.ref']).to.match(/^hawser\/hawser\/[0-9a-f]{24}$/);
      for (const tag of ['1', '2']) {
        const format = ['--format', '{{.Digest}}'];
        const digest = await skopeo('inspect', '--tls-verify=false', ...format, `docker://${name}:${tag}`);
        expect(digest).to.equal(meta['containerimage.digest']);
      }
      const { layers } = await raw<Manifest>(`${name}:1`);
      expect(layers.map(layer => layer.mediaType.replace(/.*\./, ''))).to.deep.equal(
        layers.map(() => 'tar+gzip'),
      );
      expect(await docker.docker('run', '--rm', '--network', 'none', `${name}:2`)).to.equal('file');
    });

    it(`pushes an index of several platforms (${kind}), of which docker takes its own`, async () => {
      const name = `${hostOf(kind)}/cross:1`;
      await sandbox.hawser('build', '--platform', 'linux/amd64,linux/arm64', '-t', name, '--push', 'cross');
      const index = await raw<Index>(name);
      expect(index.manifests.map(({ platform }) => platform)).to.deep.equal([
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'arm64' },
      ]);
      await docker.docker('pull', '-q', name);
      expect(await docker.docker('run', '--rm', '--network', 'none', name)).to.equal('linux/amd64');
      await docker.docker('pull', '-q', '--platform', 'linux/arm64', name);
      const format = '{{.Architecture}} {{.Config.Env}}';
      expect(await docker.docker('image', 'inspect', '-f', format, name)).to.match(/^arm64 .*ARCH=arm64/);
      const here = await sandbox.hawser(
        'image',
        'inspect',
        '--platform',
        'linux/arm64',
        '-f',
        '{{.Architecture}}',
        name,
      );
      expect(here.trim()).to.equal('arm64');
    });
  }

  it('pushes by digest alone, and keeps the name for who comes later', async () => {
    const name = `${hostOf('hawser')}/digest`;
    await sandbox.hawser(
      'build',
      '-o',
      `type=image,name=${name},push-by-digest=true,push=true`,
      '--metadata-file',
      'meta.json',
      'app',
    );
    const { 'containerimage.digest': digest } = JSON.parse(readFileSync(path('meta.json'), 'utf8'));
    expect((await raw<Manifest>(`${name}@${digest}`)).layers).to.have.length(3);
    const tags = await fetch(`http://${hostOf('hawser')}/v2/digest/tags/list`);
    expect(((await tags.json()) as { tags: string[] | null }).tags ?? []).to.deep.equal([]);
  });

  it('writes archives that docker and podman load, and stores them in the store beside', async () => {
    await sandbox.hawser(
      'build',
      '-t',
      'arch:1',
      '-o',
      'type=docker,dest=docker.tar',
      '-o',
      'type=oci,dest=oci.tar',
      '-o',
      'type=oci,dest=layout,tar=false',
      '-o',
      'type=tar,dest=files.tar',
      '-o',
      'files',
      '--load',
      'app',
    );
    const id = await sandbox.hawser('image', 'inspect', '-f', '{{.Id}}', 'arch:1');
    expect(await docker.docker('load', '-i', path('docker.tar'))).to.include('arch:1');
    expect(await docker.docker('run', '--rm', '--network', 'none', 'arch:1')).to.equal('file');
    for (const archive of ['docker.tar', 'oci.tar']) {
      const storage = ['--root', path('podman'), '--runroot', path('podman-run'), '--storage-driver', 'vfs'];
      await run(['podman', ...storage, 'load', '-i', path(archive)], { check: true });
      const shown = await run(['podman', ...storage, 'images', '-q', '--no-trunc', 'arch:1'], {
        check: true,
      });
      expect(shown.stdout.trim(), archive).to.equal(id);
      await run(['podman', ...storage, 'rmi', '-f', '-a'], { check: true });
    }
    for (const source of ['oci-archive:oci.tar:1', 'oci:layout:1'])
      expect(await skopeo('inspect', '--format', '{{len .Layers}}', source)).to.equal('3');
    const listed = execFileSync('tar', ['tf', path('files.tar')])
      .toString()
      .split('\n');
    expect(listed).to.include.members(['f', 'made', 'bin/busybox']);
    expect(readFileSync(path('files/made'), 'utf8')).to.equal('made\n');
  });

  it('adds to a layout that is there, under another name', async () => {
    for (const tag of ['one', 'two', 'two'])
      await sandbox.hawser('build', '-t', `add:${tag}`, '-o', 'type=oci,dest=added,tar=false', 'app');
    const { manifests } = JSON.parse(readFileSync(path('added/index.json'), 'utf8')) as Index;
    const names = manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
    expect(names).to.deep.equal(['one', 'two']);
  });

  it('writes one archive to stdout, and nothing beside', async () => {
    for (const [flag, member] of [
      ['-', 'made'],
      ['type=tar,dest=-', 'made'],
      ['type=oci', 'index.json'],
      ['type=docker,dest=-', 'manifest.json'],
    ] as const) {
      const command = `"$0" bin/run.js build -q -o ${flag} "$1" | tar t`;
      const argv = ['sh', '-c', command, process.execPath, path('app')];
      const { stdout } = await run(argv, { check: true, env: sandbox.env });
      expect(stdout.split('\n'), flag).to.include(member);
    }
  });

  it('gives each of several platforms a folder', async () => {
    const platforms = ['--platform', 'linux/amd64', '--platform', 'linux/arm64'];
    await sandbox.hawser('build', ...platforms, '-o', 'split', '-o', 'type=tar,dest=split.tar', 'cross');
    expect(readdirSync(path('split')).sort()).to.deep.equal(['linux_amd64', 'linux_arm64']);
    expect(readFileSync(path('split/linux_arm64/platform'), 'utf8')).to.equal('linux/arm64\n');
    const listed = execFileSync('tar', ['tf', path('split.tar')])
      .toString()
      .split('\n');
    expect(listed).to.include.members(['linux_amd64/platform', 'linux_arm64/platform']);
  });

  it('runs a step that platforms share once', async () => {
    const { code, stderr } = await sandbox.try([
      'build',
      '--no-cache',
      '--progress',
      'plain',
      '--platform',
      'linux/amd64,linux/arm64,linux/s390x',
      'cross',
    ]);
    expect(code, stderr).to.equal(0);
    const common = [...stderr.matchAll(/^#(\d+) \[linux\/\S+ build \d+\/\d+\] RUN echo common/gm)].map(
      ([, id]) => id,
    );
    expect(common).to.have.length(3);
    const cached = common.filter(id => stderr.includes(`\n#${id} CACHED`));
    expect(cached).to.have.length(2);
  });

  const forms: readonly (readonly [string, readonly string[]])[] = [
    ['compression=zstd,compression-level=5', ['tar+zstd', 'tar+zstd']],
    ['compression=uncompressed', ['tar', 'tar']],
    ['compression=gzip,compression-level=1', ['tar+gzip', 'tar+gzip']],
    ['oci-mediatypes=false', ['tar.gzip', 'tar.gzip']],
  ];
  for (const [form, types] of forms) {
    it(`pushes with ${form}, and podman runs it`, async () => {
      const name = `${hostOf('hawser')}/form:1`;
      await sandbox.hawser('build', '-t', name, '-o', `type=registry,${form}`, '--target', 'out', 'forms');
      const manifest = await raw<Manifest>(name);
      const shown = manifest.layers.slice(1).map(layer => layer.mediaType.replace(/.*\.(?=tar)/, ''));
      expect(shown).to.deep.equal(types);
      expect(manifest.mediaType).to.include(form.startsWith('oci') ? 'docker' : 'oci');
      const storage = ['--root', path('podman'), '--runroot', path('podman-run'), '--storage-driver', 'vfs'];
      await run(['podman', ...storage, 'pull', '-q', '--tls-verify=false', name], { check: true });
      await run(['podman', ...storage, 'rmi', '-f', name], { check: true });
    });
  }

  it('forces a compression upon the layers of the base image', async () => {
    const base = `${hostOf('hawser')}/base:1`;
    const name = `${hostOf('hawser')}/forced:1`;
    await sandbox.hawser('build', '-t', base, '--push', 'app');
    await sandbox.write({ 'onbase/Dockerfile': `FROM ${base}\nCOPY f /g\n`, 'onbase/f': 'x' });
    await sandbox.hawser('build', '-t', name, '-o', 'type=registry,compression=zstd', 'onbase');
    const typesOf = async () =>
      (await raw<Manifest>(name)).layers.map(layer => layer.mediaType.replace(/.*\./, ''));
    expect(await typesOf()).to.deep.equal(['tar+gzip', 'tar+gzip', 'tar+gzip', 'tar+zstd']);
    await sandbox.hawser(
      'build',
      '-t',
      name,
      '-o',
      'type=registry,compression=zstd,force-compression=true',
      'onbase',
    );
    expect(await typesOf()).to.deep.equal(['tar+zstd', 'tar+zstd', 'tar+zstd', 'tar+zstd']);
  });

  it('puts annotations where they are wanted', async () => {
    const name = `${hostOf('hawser')}/annotated:1`;
    await sandbox.hawser(
      'build',
      '--platform',
      'linux/amd64,linux/arm64',
      '-t',
      name,
      '--annotation',
      'a=all',
      '--annotation',
      'index:i=x=y',
      '--annotation',
      'manifest[linux/arm64]:only=arm',
      '--annotation',
      'manifest,manifest-descriptor:both=1',
      '-o',
      'type=registry,annotation.out=o',
      'cross',
    );
    const index = await raw<Index>(name);
    expect(index.annotations).to.deep.equal({ i: 'x=y' });
    expect(index.manifests.map(({ annotations }) => annotations)).to.deep.equal([
      { both: '1' },
      { both: '1' },
    ]);
    const found: unknown[] = [];
    for (const { digest } of index.manifests)
      found.push((await raw<Manifest>(`${hostOf('hawser')}/annotated@${digest}`)).annotations);
    const common = { a: 'all', both: '1', out: 'o' };
    expect(found).to.deep.equal([common, { ...common, only: 'arm' }]);
  });

  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--push'], /no name/],
    [['-o', 'type=local'], /needs a dest/],
    [['-o', 'type=oci,dest=app'], /it is a folder/],
    [['-o', 'type=dokcer,dest=x'], /did you mean docker/],
    [['-o', 'type=oci,dest=x,compression=lz4'], /compression must be one of/],
    [['-o', 'type=oci,dest=x,compression=estargz'], /no estargz/],
    [['-o', 'type=oci,dest=x,wrong=1'], /unknown field "wrong"/],
    [['-o', '-', '-o', 'type=oci'], /only one --output/],
    [['-o', 'type=image,push-by-digest=true'], /needs a name/],
    [['--annotation', 'index:a=b'], /has no index/],
    [['--annotation', 'manifest[linux/s390x]:a=b'], /which is not built/],
    [['--annotation', 'nonsense:a=b'], /unknown place/],
    [['--platform', 'linux/amd64,linux/arm64', '-o', 'type=docker,dest=x.tar'], /holds one platform/],
    [['--ulimit', 'nofiles=1'], /Did you mean nofile/],
    [['--ulimit', 'nofile=1000000000', '--no-cache'], /--ulimit|rlimit/i],
    [['--resource', 'memory=lots'], /Use a size/],
    [['--resource', 'disk=1'], /unknown field/],
    [['--cgroup-parent', '../x'], /without ".."/],
    [['--isolation', 'chroot', '--resource', 'memory=64m', '--no-cache'], /no cgroup of its own/],
    [['--isolation', 'chroot', '--cgroup-parent', 'x', '--no-cache'], /no cgroup of its own/],
  ];
  for (const [flags, message] of refused) {
    it(`refuses ${flags.join(' ')}`, async () => {
      const context = flags.includes('linux/amd64,linux/arm64') ? 'cross' : 'app';
      const { code, stderr } = await sandbox.try(['build', ...flags, context]);
      expect(code).to.be.greaterThan(0);
      expect(stderr).to.match(message);
    });
  }

  it('says what a RUN step for another machine needs', async () => {
    const { code, stderr } = await sandbox.try(['build', '--platform', 'linux/s390x', 'foreign']);
    expect(code).to.equal(1);
    expect(stderr).to.match(/foreign\/Dockerfile:3|Dockerfile:3/);
    expect(stderr).to.match(/a RUN step for linux\/s390x cannot run on linux\/\w+/);
    expect(stderr).to.include('qemu-user-static').and.include('--platform=$BUILDPLATFORM');
  });

  describe('limits of RUN steps', () => {
    const show = [
      'df -k /dev/shm | tail -n 1',
      'ulimit -n; ulimit -Hn',
      'cat /proc/self/cgroup',
      'cat /etc/hosts',
    ].join('; ');
    const output = async (...flags: string[]) => {
      await sandbox.write({ 'limits/Dockerfile': `FROM busybox\nRUN (${show}) > /said\n` });
      await sandbox.hawser('build', '--no-cache', ...flags, '-o', 'said', 'limits');
      return readFileSync(path('said/said'), 'utf8');
    };
    const common = ['--shm-size', '8m', '--ulimit', 'nofile=100:200', '--add-host', 'elsewhere:10.1.2.3'];

    for (const isolation of ['oci', 'chroot']) {
      it(`hold under ${isolation}`, async () => {
        const said = await output('--isolation', isolation, ...common);
        expect(said).to.match(/^shm\s+8192 /m);
        expect(said).to.match(/^100\n200$/m);
        expect(said).to.match(/^10\.1\.2\.3\s+elsewhere$/m);
      });
    }

    after(() => removeCgroup('hawser-test'));

    it('put it below the cgroup that is named, with memory and processors', async () => {
      const said = await output('--cgroup-parent', '/hawser-test', '--resource', 'memory=64m,cpus=0.5');
      expect(said).to.match(/:\/hawser-test\/step-/m);
      const hog = 'FROM busybox\nRUN head -c 200m /dev/zero | tail -c 190m > /dev/null\n';
      await sandbox.write({ 'hog/Dockerfile': hog });
      const { code, stderr } = await sandbox.try(['build', '--no-cache', '--resource', 'memory=32m', 'hog']);
      expect(code).to.equal(1);
      expect(stderr).to.match(/exit code 1[34]7|Killed|exit code 1/);
    });
  });
});
