import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { send } from '../registry-server/support/registry.ts';
import { importDebian } from './support/debian.ts';
import { DockerDaemon } from './support/dockerd.ts';
import { freePort } from './support/ports.ts';
import { Sandbox } from './support/sandbox.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

interface Inspected {
  readonly State: { readonly Pid: number; readonly Running: boolean };
  readonly RestartCount: number;
}

/** Docker's tutorial of a registry, with `docker` replaced by `hawser`. */
describe("an image of hawser's registry", function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  let daemon: DockerDaemon | undefined;
  let port: number;
  const volume = () => join(sandbox.folder, 'volume');
  const host = () => `localhost:${port}`;
  const url = () => `http://127.0.0.1:${port}`;

  const answers = async () => {
    while ((await send(url(), 'GET /v2/').catch(() => undefined))?.status !== 200) await delay(50);
  };
  const inspect = async () =>
    (JSON.parse(await sandbox.hawser('container', 'inspect', 'registry')) as Inspected[])[0] as Inspected;

  before(async () => {
    sandbox = await Sandbox.create();
    await importDebian(sandbox);
    await sandbox.importBusybox();
    const base = join(sandbox.folder, 'base');
    await mkdir(base);
    await copyFile(process.execPath, join(base, 'node'));
    await sandbox.write({ 'base/Dockerfile': 'FROM debian:12\nCOPY --chmod=755 node /usr/local/bin/node\n' });
    await sandbox.hawser('build', '-q', '-t', 'node:here', base);
    const file = join(checkout, 'examples/registry/Dockerfile');
    const build = [
      'build',
      '-q',
      '--build-arg',
      'BASE=node:here',
      '-t',
      'hawser/registry',
      '-f',
      file,
      checkout,
    ];
    await sandbox.hawser(...build);
    port = await freePort();
    const run = ['run', '-d', '-p', `${port}:5000`, '--restart=always', '--name', 'registry'];
    await sandbox.hawser(...run, '-v', `${volume()}:/var/lib/registry`, 'hawser/registry');
    await answers();
  });
  after(async () => {
    await daemon?.stop();
    const mounts = async () => (await sandbox?.mounts()) ?? [];
    if ((await sandbox?.try(['rm', '-f', 'registry']))?.code === 0) expect(await mounts()).to.deep.equal([]);
    await sandbox?.dispose();
  });

  it('takes images that were tagged for it, onto the volume of the host', async () => {
    await sandbox.hawser('image', 'tag', 'busybox', `${host()}/my-busybox`);
    await sandbox.hawser('image', 'push', `${host()}/my-busybox`);
    expect(await readdir(join(volume(), 'docker/registry/v2/repositories'))).to.deep.equal(['my-busybox']);
    await sandbox.hawser('image', 'rm', `${host()}/my-busybox`, 'busybox');
    await sandbox.hawser('image', 'pull', `${host()}/my-busybox`);
    expect(await sandbox.hawser('run', '--rm', `${host()}/my-busybox`, 'echo', 'hello')).to.equal('hello');
  });

  it('takes them from docker too, and gives them to it', async function () {
    if (!existsSync('/usr/sbin/dockerd')) {
      console.log('      skipped: dockerd is not installed');
      this.skip();
    }
    daemon = await DockerDaemon.start();
    await daemon.docker('pull', `${host()}/my-busybox`);
    await daemon.docker('tag', `${host()}/my-busybox`, `${host()}/team/from-docker:1`);
    await daemon.docker('push', `${host()}/team/from-docker:1`);
    await daemon.docker('rmi', `${host()}/team/from-docker:1`, `${host()}/my-busybox`);
    expect(
      await daemon.docker('run', '--rm', '--network=none', `${host()}/team/from-docker:1`, 'echo', 'hi'),
    ).to.equal('hi');
    expect(await sandbox.hawser('registry', 'ls', host())).to.equal('my-busybox\nteam/from-docker');
  });

  it('comes back with all of it when its process is killed', async () => {
    const before = await inspect();
    process.kill(before.State.Pid, 'SIGKILL');
    for (let now = before; now.RestartCount === 0 || !now.State.Running; now = await inspect())
      await delay(50);
    await answers();
    expect((await send(url(), 'GET /v2/my-busybox/tags/list')).json).to.deep.equal({
      name: 'my-busybox',
      tags: ['latest'],
    });
  });

  it("has registry:2's command line, configuration and settings by variables", async () => {
    const inside = (...words: string[]) => sandbox.hawser('exec', 'registry', ...words);
    const config = '/etc/docker/registry/config.yml';
    expect(await inside('registry', 'garbage-collect', '--dry-run', config)).to.contain('blobs marked');
    expect(await inside('registry', '--version')).to.match(/^hawser version /);
    expect((await send(url(), 'DELETE /v2/my-busybox/manifests/latest')).status).to.equal(405);
    const other = await freePort();
    const run = ['run', '-d', '--name', 'other', '-p', `${other}:80`];
    const env = ['-e', 'REGISTRY_HTTP_ADDR=:80', '-e', 'REGISTRY_STORAGE_DELETE_ENABLED=true'];
    await sandbox.hawser(
      ...run,
      ...env,
      '-v',
      `${volume()}:/var/lib/registry`,
      'hawser/registry',
      'serve',
      config,
    );
    const base = `http://127.0.0.1:${other}`;
    while ((await send(base, 'GET /v2/').catch(() => undefined))?.status !== 200) await delay(50);
    expect((await send(base, 'DELETE /v2/my-busybox/manifests/latest')).status).to.equal(202);
    // Both serve one volume.
    expect((await send(url(), 'GET /v2/my-busybox/manifests/latest')).status).to.equal(404);
    await sandbox.hawser('stop', 'other');
    expect(await sandbox.hawser('container', 'inspect', '--format', '{{.State.ExitCode}}', 'other')).to.equal(
      '0',
    );
    await sandbox.hawser('rm', 'other');
  });
});
