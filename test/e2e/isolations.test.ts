import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { DockerDaemon } from './support/dockerd.ts';
import { type Isolation, Isolations } from './support/isolations.ts';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { type RunResult, run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

/** Of owners, modes, links, deletions and mounts; `port` is that of a registry. */
const dockerfile = (port: number) => `FROM busybox AS one
RUN mkdir -p /made/deep && echo 1 > /made/deep/file && chown -R 1000:2000 /made && chmod 4755 /made/deep/file
RUN ln /made/deep/file /made/linked && chmod 2775 /made && rm -r /var && mkdir /var && touch /var/new && rm /bin/vi
RUN (sleep 600 &) ; wget -q -O /got http://127.0.0.1:${port}/v2/ && echo x > /dev/null && test -e /proc/cpuinfo
FROM busybox AS two
COPY --chown=app:extra --chmod=640 files /files/
ADD files.tar /added/
RUN --mount=type=cache,target=/cache echo once >> /cache/file && cp /cache/file /first
RUN --mount=type=cache,target=/cache echo twice >> /cache/file && cp /cache/file /second
RUN --mount=type=bind,target=/context --mount=type=bind,from=one,source=/made,target=/mnt/one,rw \\
  cat /context/files/a /mnt/one/deep/file > /bound && touch /mnt/one/dropped
RUN --mount=type=secret,id=key,uid=1000 --mount=type=tmpfs,target=/scratch \\
  wc -c < /run/secrets/key > /length && touch /scratch/x
RUN <<EOF
#!/bin/sh
echo "$0" > /script && cat /etc/hosts > /dev/null
EOF
FROM two
COPY --from=one /made/deep /made
COPY --from=one /got /got
USER app
WORKDIR /home/app
RUN id -u > me && id -G >> me && umask >> me
`;

/** What root alone may own. */
const plainDockerfile = `FROM busybox
RUN mkdir -p /made && echo 1 > /made/file && chmod 4755 /made/file && ln /made/file /made/linked && rm -r /var
COPY files /files/
RUN --mount=type=cache,id=plain,target=/cache echo once >> /cache/file && cp /cache/file /first
`;

describe('the same image wherever it is built', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  let isolations: Isolations;
  let registry: ServedRegistry;
  let docker: DockerDaemon;
  const matrix: string[] = [];
  let expected: readonly string[];

  before(async () => {
    sandbox = await Sandbox.create();
    registry = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
    docker = await DockerDaemon.start();
    isolations = await Isolations.open(sandbox.folder);
    await sandbox.importBusybox();
    await sandbox.hawser('save', '-o', 'base.tar', 'busybox');
    await sandbox.write({
      'app/Dockerfile': dockerfile(registry.port),
      'app/files/a': 'a\n',
      'app/files/in/b': 'b\n',
      'plain/Dockerfile': plainDockerfile,
      'plain/files/a': 'a\n',
      key: 'secret',
    });
    await run(
      ['tar', '-cf', 'app/files.tar', '--owner=7', '--group=8', '--mtime=@1', '-C', 'app/files', '.'],
      {
        cwd: sandbox.folder,
        check: true,
      },
    );
    await run(['chmod', '-R', 'a+rX', sandbox.folder], { check: true });
    const root = await isolations.root('oci');
    expected = [
      await build(root, 'app', '--isolation', 'oci'),
      await build(root, 'plain', '--isolation', 'oci'),
    ];
    matrix.push(`runc: ${expected.join(' ')}`);
  });
  after(async () => {
    await docker?.stop();
    await registry?.stop();
    await isolations?.close();
    await sandbox?.dispose();
    console.log(matrix.map(line => `      ${line}`).join('\n'));
  });

  const must = ({ code, stdout, stderr }: RunResult): string => {
    expect(code, stdout + stderr).to.equal(0);
    return stdout.trim();
  };

  /** Builds afresh; the digest of the manifest. */
  async function build(place: Isolation, name: string, ...flags: string[]): Promise<string> {
    must(await place.run('load', '-q', '-i', join(sandbox.folder, 'base.tar')));
    const folder = join(sandbox.folder, place.name, `out-${name}`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await run(['chmod', '777', folder], { check: true });
    const output = join(folder, 'image.tar');
    const secret = `id=key,src=${join(sandbox.folder, 'key')}`;
    const common = ['build', '--no-cache', '--secret', secret, '--progress', 'plain'];
    must(await place.run(...common, ...flags, '-o', `type=oci,dest=${output}`, join(sandbox.folder, name)));
    const index = await run(['tar', '-xOf', output, 'index.json'], { check: true });
    return (JSON.parse(index.stdout) as { manifests: { digest: string }[] }).manifests[0]?.digest ?? '';
  }

  async function check(place: Isolation, ...flags: string[]): Promise<void> {
    const digests = [await build(place, 'app', ...flags), await build(place, 'plain', ...flags)];
    matrix.push(`${place.name}: ${digests.join(' ')}`);
    expect(digests).to.deep.equal(expected);
    expect(await left(), 'what still runs beside the registry').to.deep.equal([]);
  }

  /** A process that was killed may take a moment to go. */
  async function left(): Promise<readonly string[]> {
    for (let tries = 0; ; tries++) {
      const found = (await sandbox.processes()).filter(words => !words.includes('registry serve'));
      if (found.length === 0 || tries === 100) return found;
      await delay(50);
    }
  }

  /** A machine may grant plain users nothing: then there is nothing to compare. */
  const userPlace = async (context: Context, name: string, subordinate: boolean) => {
    const place = await isolations.user(name, { subordinate });
    if (place === undefined) {
      console.log('      skipped: a plain user gets no user namespace here');
      context.skip();
    }
    return place;
  };

  /** Builds with the cache, gives it a name, pushes and pulls it. */
  async function share(place: Isolation): Promise<void> {
    const name = `127.0.0.1:${registry.port}/${place.name.replaceAll(/[^a-z]+/g, '-')}:1`;
    must(await place.run('build', '-q', '-t', name, join(sandbox.folder, 'plain')));
    must(await place.run('push', '-q', name));
    must(await place.run('rmi', name));
    must(await place.run('pull', '-q', '--unpack', name));
    must(await place.run('system', 'fsck'));
    must(await place.run('system', 'prune', '-f'));
  }

  it('root with crun', async () => {
    const place = await isolations.crun('crun-root');
    await check(place, '--isolation', 'oci');
    const { stdout } = await place.run('system', 'doctor', '--format', 'json');
    expect(stdout).to.match(/"choice":\s*"[^"]*\/crun\/crun"/);
    must(await place.run('build', '-q', '--resource', 'memory=64m', join(sandbox.folder, 'plain')));
    const { code, stdout: said } = await place.run(
      'run',
      '--rm',
      '--network',
      'none',
      'busybox',
      'echo',
      'hi',
    );
    expect([code, said]).to.deep.equal([0, 'hi\n']);
  });

  it('root whose runtime refuses the machine: one clear message', async () => {
    const runtime = join(sandbox.folder, 'refusing');
    const says = 'cgroups in hybrid mode not supported, drop all controllers from cgroupv2';
    await writeFile(runtime, `#!/bin/sh\necho '${says}' >&2\nexit 1\n`, { mode: 0o755 });
    const env = { ...sandbox.env, HAWSER_RUNTIME: runtime };
    const { code, stderr } = await sandbox.try(['build', '-q', '--isolation', 'oci', 'plain'], { env });
    expect(code).to.equal(125);
    expect(stderr)
      .to.include(`${runtime} does not work here: ${says} [RUNTIME_FAILED]`)
      .and.to.include('Use runc');
  });

  it('root without a runtime, in namespaces', async () => {
    await check(await isolations.root('chroot'), '--isolation', 'chroot');
  });

  it('root with the capabilities of a container', async () => {
    const place = await isolations.withoutCapabilities('capabilities');
    await check(place);
    await share(place);
  });

  it('root of a container that docker run makes, under its own seccomp profile', async () => {
    const place = await isolations.docker('docker', docker);
    await check(place);
    await share(place);
    const { stdout } = await place.run('system', 'doctor', '--format', 'json');
    expect(stdout)
      .to.match(/"choice":\s*"chroot"/)
      .and.to.match(/"choice":\s*"copy"/);
  });

  it('root of a container without its network: what cannot be had says what would help', async () => {
    const place = await isolations.docker('docker', docker);
    await sandbox.write({ 'none/Dockerfile': 'FROM busybox\nRUN --network=none true\n' });
    const { code, stderr } = await place.run('build', '-q', join(sandbox.folder, 'none'));
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/--network=none.*\[UNSUPPORTED\]/)
      .and.to.match(/CAP_SYS_ADMIN/);
  });

  it('a plain user of a container: one clear message', async () => {
    const place = await isolations.docker('docker-user', docker, ['--user', '4711']);
    await run(['chown', '4711', join(sandbox.folder, 'docker-user')], { check: true });
    const { code, stderr } = await place.run('build', '-q', join(sandbox.folder, 'plain'));
    expect(code).to.equal(1);
    expect(stderr).to.match(/user namespace.*not permitted.*\[NAMESPACE_REFUSED\]/i);
  });

  for (const isolation of ['oci', 'chroot']) {
    it(`a plain user with subordinate ids, isolation ${isolation}`, async function () {
      const place = await userPlace(this, `rootless-${isolation}`, true);
      await check(place, '--isolation', isolation);
      if (isolation === 'oci') await share(place);
      const { stdout } = await place.run('system', 'doctor', '--format', 'json');
      expect(stdout).to.match(/"choice":\s*"overlay"/);
    });
  }

  it('a plain user who runs a container: one clear message', async function () {
    const place = await userPlace(this, 'container-user', true);
    for (const words of [['run'], ['container', 'run']]) {
      const { code, stderr } = await place.run(...words, 'busybox', 'true');
      expect(code).to.equal(125);
      expect(stderr).to.match(/run needs root.*\[UNSUPPORTED\]/);
    }
  });

  it('a plain user with one id: says what that limits, and builds what root alone owns', async function () {
    const place = await userPlace(this, 'single', false);
    expect(await build(place, 'plain')).to.equal(expected[1]);
    matrix.push(`one id: - ${expected[1]}`);
    await writeFile(
      join(sandbox.folder, 'plain/Dockerfile.chown'),
      'FROM busybox\nCOPY --chown=7 files /x\n',
    );
    const file = join(sandbox.folder, 'plain/Dockerfile.chown');
    const { code, stderr } = await place.run('build', '-q', '-f', file, join(sandbox.folder, 'plain'));
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/\/etc\/subuid/)
      .and.to.match(/owner is not among your ids/);
  });
});
