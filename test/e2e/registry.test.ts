import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { DockerDaemon } from './support/dockerd.ts';
import { freePort } from './support/ports.ts';
import { type ServedRegistry, serveDebian, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox',
  'ENV WHO=hawser',
  'COPY f /f',
  'RUN echo made >> /f',
  'CMD cat /f; echo $WHO',
  '',
];
const said = 'file\nmade\nhawser';

describe('registry', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let docker: DockerDaemon;
  let running: ServedRegistry[] = [];

  before(async () => {
    docker = await DockerDaemon.start();
  });
  after(() => docker?.stop());
  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile.join('\n'), 'app/f': 'file\n' });
  });
  afterEach(async () => {
    for (const registry of running) await registry.stop();
    running = [];
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
  });

  const volume = () => join(sandbox.folder, 'volume');
  const serve = async (kind: 'hawser' | 'debian' = 'hawser', folder = volume()) => {
    const registry = await (kind === 'hawser' ? serveHawser : serveDebian)(sandbox, folder);
    running.push(registry);
    return registry;
  };
  /** Builds the project and pushes it; the name in the registry. */
  const pushApp = async (host: string) => {
    const name = `${host}/team/app:1`;
    await sandbox.hawser('build', '-q', '-t', name, 'app');
    expect(await sandbox.hawser('push', '-q', name)).to.equal(name);
    return name;
  };
  const skopeo = async (...args: string[]) => {
    const { stdout } = await run(['skopeo', ...args], { check: true });
    return stdout.trimEnd();
  };
  const skopeoDigest = (name: string) =>
    skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${name}`);

  it('serves what hawser pushed to docker, podman and skopeo', async () => {
    const name = await pushApp((await serve()).host);
    expect(await docker.docker('run', '--rm', '--network', 'none', name)).to.equal(said);
    await docker.docker('rmi', name);
    const store = ['--root', join(sandbox.folder, 'podman'), '--runroot', join(sandbox.folder, 'podman-run')];
    const how = ['--runtime', '/usr/sbin/runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
    const flags = [
      '--rm',
      '--network',
      'host',
      '--tls-verify=false',
      '-q',
      '--ulimit',
      'nofile=1024:1024',
      '--ulimit',
      'nproc=1024:1024',
    ];
    const podman = ['podman', ...store, '--storage-driver', 'vfs', ...how];
    const ran = await run([...podman, 'run', ...flags, name], { check: true });
    expect(ran.stdout.trimEnd()).to.equal(said);
    const shown = JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${name}`));
    expect(shown).to.deep.include({ RepoTags: ['1'], Architecture: 'amd64', Os: 'linux' });
    expect(shown.Env).to.include('WHO=hawser');
    expect(shown.Layers).to.have.length(3);
  });

  it('gives hawser the images that docker built and pushed', async () => {
    const { host } = await serve();
    await sandbox.hawser('save', '-o', 'base.tar', 'busybox');
    await docker.docker('load', '-i', `${sandbox.folder}/base.tar`);
    const name = `${host}/theirs:1`;
    await docker.docker('build', '-q', '-t', name, `${sandbox.folder}/app`);
    await docker.docker('push', '-q', name);
    expect(await sandbox.hawser('pull', '-q', name)).to.equal(name);
    expect(await sandbox.hawser('run', '--rm', name)).to.equal(said);
    const id = await docker.docker('image', 'inspect', '-f', '{{.Id}}', name);
    expect(await sandbox.hawser('image', 'inspect', '-f', '{{.Id}}', name)).to.equal(id);
    await docker.docker('rmi', name);
  });

  it('pulls as it runs and builds, and gives the same digests back', async () => {
    const { host } = await serve();
    const name = await pushApp(host);
    const digest = await sandbox.hawser('image', 'inspect', '-f', '{{.Id}}', name);
    await sandbox.hawser('rmi', name);
    const ran = await sandbox.try(['run', '--rm', name]);
    expect(ran).to.include({ code: 0, stdout: `${said}\n` });
    expect(ran.stderr).to.contain(`Unable to find image '${name}' locally`);
    expect(await sandbox.hawser('image', 'inspect', '-f', '{{.Id}}', name)).to.equal(digest);
    await sandbox.hawser('rmi', name);
    await sandbox.write({ 'next/Dockerfile': `FROM ${name}\nCOPY --from=${name} /f /g\n` });
    await sandbox.hawser('build', '-q', '-t', 'next', 'next');
    expect(await sandbox.hawser('run', '--rm', 'next', 'cat', '/g')).to.equal('file\nmade');
    expect(await sandbox.hawser('pull', '-q', `${host}/team/app@${await skopeoDigest(name)}`)).to.contain(
      '@sha256:',
    );
  });

  it("writes volumes that Debian's docker-registry serves", async () => {
    const ours = await serve();
    const name = await pushApp(ours.host);
    const digest = await skopeoDigest(name);
    await ours.stop();
    const { host } = await serve('debian');
    expect(await skopeoDigest(`${host}/team/app:1`)).to.equal(digest);
    const copy = join(sandbox.folder, 'copy');
    await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${host}/team/app:1`, `oci:${copy}:app`);
    expect(await skopeo('inspect', '--format', '{{.Digest}}', `oci:${copy}:app`)).to.equal(digest);
  });

  it("serves volumes that Debian's docker-registry wrote", async () => {
    const theirs = await serve('debian');
    const name = await pushApp(theirs.host);
    const digest = await skopeoDigest(name);
    await theirs.stop();
    const { host } = await serve();
    expect(await skopeoDigest(`${host}/team/app:1`)).to.equal(digest);
    const copied = `${host}/copied:2`;
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await skopeo('copy', '-q', ...insecure, `docker://${host}/team/app:1`, `docker://${copied}`);
    expect(await sandbox.hawser('run', '-q', '--rm', copied)).to.equal(said);
  });

  it('ends with one message when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const result = await sandbox.try([
      'registry',
      'serve',
      '--addr',
      `127.0.0.1:${port}`,
      '--root',
      volume(),
    ]);
    taken.close();
    expect(result.code).to.equal(1);
    expect(result.stderr).to.match(/^hawser: .*\[ADDRESS_IN_USE\]\n {2}because: \S.*\n {2}\S.*\n$/);
    expect(result.stderr).to.contain(String(port));
  });

  it('ends with one message when no registry answers', async () => {
    const name = `127.0.0.1:${await freePort()}/app:1`;
    await sandbox.hawser('tag', 'busybox', name);
    for (const args of [
      ['pull', name],
      ['push', name],
      ['run', '--pull', 'always', name],
    ]) {
      const result = await sandbox.try(args);
      expect(result.code, result.stderr).to.equal(args[0] === 'run' ? 125 : 1);
      expect(result.stderr).to.match(/^hawser: .*\[REGISTRY_UNREACHABLE\]$/m);
      expect(result.stderr).to.contain(name.split('/')[0]);
    }
  });
});
