import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { mediaTypes } from '../../src/image/media-types.ts';
import { DockerDaemon } from '../e2e/support/dockerd.ts';
import { run } from '../e2e/support/run.ts';
import { Containerd } from './support/containerd.ts';
import { isInstalled, TestRegistry } from './support/registry.ts';

/** The image of one file that each client pushes, as a Dockerfile's context. */
function writeContext(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'hello'), 'hello from a layer\n');
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY hello /hello\nCMD ["/hello"]\n');
}

describe('registry-server: clients', function () {
  this.timeout(120_000);
  let registry: TestRegistry;
  let context: string;
  const command = async (...words: string[]) => await run(words, { check: true });

  beforeEach(async () => {
    registry = await TestRegistry.start();
    context = join(registry.folder, 'context');
    writeContext(context);
  });
  afterEach(async () => {
    await run(['umount', '-l', join(registry.folder, 'containers/overlay')]);
    await registry.dispose();
  });

  const storage = () => [
    '--root',
    join(registry.folder, 'containers'),
    '--runroot',
    join(registry.folder, 'run'),
    '--storage-driver',
    'vfs',
  ];

  async function build(tag: string): Promise<void> {
    await command('buildah', ...storage(), 'build', '--isolation', 'chroot', '-q', '-t', tag, context);
  }

  it('buildah pushes and pulls, schema 2 and OCI', async function () {
    if (!isInstalled('buildah')) this.skip();
    const image = `${registry.host}/buildah/app`;
    await build(image);
    for (const format of ['v2s2', 'oci']) {
      const name = `docker://${image}:${format}`;
      await command(
        'buildah',
        ...storage(),
        'push',
        '-q',
        '--tls-verify=false',
        '--format',
        format,
        image,
        name,
      );
      await command('buildah', ...storage(), 'pull', '-q', '--tls-verify=false', name);
    }
  });

  it('podman pushes and pulls', async function () {
    if (!isInstalled('podman') || !isInstalled('buildah')) this.skip();
    const image = `${registry.host}/podman/app:1`;
    await build(image);
    await command('podman', ...storage(), 'push', '-q', '--tls-verify=false', image);
    await command('podman', ...storage(), 'rmi', '-f', image);
    const { stdout } = await command('podman', ...storage(), 'pull', '-q', '--tls-verify=false', image);
    expect(stdout.trim()).to.match(/^[0-9a-f]{64}$/);
  });

  it('skopeo copies both ways, inspects, lists and deletes', async function () {
    if (!isInstalled('skopeo') || !isInstalled('buildah')) this.skip();
    await build('app');
    const archive = join(registry.folder, 'app.tar');
    await command('buildah', ...storage(), 'push', '-q', 'app', `oci-archive:${archive}:app`);
    const remote = (name: string) => `docker://${registry.host}/${name}`;
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const copy = (...words: string[]) => command('skopeo', 'copy', '-q', ...insecure, ...words);
    await copy(`oci-archive:${archive}:app`, remote('skopeo/app:1'));
    await copy('--format', 'v2s2', remote('skopeo/app:1'), remote('skopeo/app:2'));
    await copy(remote('skopeo/app:1'), remote('elsewhere:3'));
    await copy(remote('skopeo/app:1'), `oci:${join(registry.folder, 'layout')}:app`);
    await copy(remote('skopeo/app:2'), `dir:${join(registry.folder, 'dir')}`);
    const manifest = JSON.parse(readFileSync(join(registry.folder, 'dir/manifest.json'), 'utf8')) as {
      mediaType: string;
    };
    expect(manifest.mediaType).to.equal('application/vnd.docker.distribution.manifest.v2+json');
    const inspect = await command('skopeo', 'inspect', '--tls-verify=false', remote('skopeo/app:1'));
    expect(JSON.parse(inspect.stdout) as object).to.deep.include({ RepoTags: ['1', '2'] });
    await command('skopeo', 'delete', '--tls-verify=false', remote('skopeo/app:1'));
    const list = await command('skopeo', 'list-tags', '--tls-verify=false', remote('skopeo/app'));
    expect((JSON.parse(list.stdout) as { Tags: string[] }).Tags).to.deep.equal(['2']);
  });

  const typeOf = async (path: string) => {
    const { headers, status } = await registry.send(`HEAD /v2/${path}`);
    return status === 200 ? headers['content-type'] : status;
  };

  describe('docker', () => {
    let docker: DockerDaemon;
    before(async function () {
      if (!isInstalled('dockerd')) this.skip();
      docker = await DockerDaemon.start();
    });
    after(() => docker?.stop());

    it('pushes, mounts from another repository, pulls by tag and by digest', async () => {
      const [first, second] = [`${registry.host}/docker/app:1`, `${registry.host}/docker/copy:2`];
      await docker.docker('build', '-q', '-t', first, '-t', second, context);
      await docker.docker('push', first);
      expect(await typeOf('docker/app/manifests/1')).to.equal(mediaTypes.dockerManifest);
      expect(await docker.docker('push', second)).to.contain('Mounted from docker/app');
      const digest = await docker.docker('image', 'inspect', '-f', '{{index .RepoDigests 0}}', first);
      await docker.docker('rmi', '-f', first, second);
      await docker.docker('pull', '-q', second);
      await docker.docker('rmi', '-f', second);
      expect(await docker.docker('pull', '-q', digest)).to.equal(digest);
      await docker.docker('rmi', '-f', digest);
    });

    it('pushes a manifest list, and pulls through it', async () => {
      const name = `${registry.host}/docker/list`;
      await docker.docker('build', '-q', '-t', `${name}:amd64`, context);
      await docker.docker('push', '-q', `${name}:amd64`);
      const digest = await registry.send('HEAD /v2/docker/list/manifests/amd64');
      const child = { mediaType: mediaTypes.dockerManifest, size: Number(digest.headers['content-length']) };
      await registry.pushManifest('docker/list', 'all', {
        schemaVersion: 2,
        mediaType: mediaTypes.dockerManifestList,
        manifests: [
          {
            ...child,
            digest: digest.headers['docker-content-digest'],
            platform: { os: 'linux', architecture: 'amd64' },
          },
        ],
      });
      await docker.docker('rmi', '-f', `${name}:amd64`);
      expect(await docker.docker('pull', '-q', `${name}:all`)).to.equal(`${name}:all`);
      await docker.docker('rmi', '-f', `${name}:all`);
    });

    it('sees all tags with pull -a', async () => {
      const name = `${registry.host}/docker/many`;
      for (const tag of ['a', 'b', 'c']) {
        await docker.docker('build', '-q', '-t', `${name}:${tag}`, context);
        await docker.docker('push', '-q', `${name}:${tag}`);
      }
      await docker.docker('rmi', '-f', ...['a', 'b', 'c'].map(tag => `${name}:${tag}`));
      await docker.docker('pull', '-q', '-a', name);
      const tags = await docker.docker('images', '--format', '{{.Tag}}', name);
      expect(tags.split('\n').sort()).to.deep.equal(['a', 'b', 'c']);
    });
  });

  describe("containerd's ctr", () => {
    let containerd: Containerd;
    before(async function () {
      if (!isInstalled('containerd') || !isInstalled('buildah')) this.skip();
      containerd = await Containerd.start();
    });
    after(() => containerd?.stop());

    for (const format of ['oci', 'docker'] as const) {
      it(`pushes and pulls an image in ${format} format`, async () => {
        const name = `${registry.host}/ctr/app:1`;
        await build(name);
        const archive = join(registry.folder, 'app.tar');
        await command('buildah', ...storage(), 'push', '-q', name, `${format}-archive:${archive}:${name}`);
        await containerd.ctr('images', 'import', archive);
        await containerd.ctr('images', 'push', '--plain-http', name);
        const isDocker = format === 'docker';
        const type = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
        expect(await typeOf('ctr/app/manifests/1')).to.equal(type);
        await containerd.ctr('images', 'rm', '--sync', name);
        expect(await containerd.ctr('content', 'ls', '-q')).to.equal('');
        await containerd.ctr('images', 'pull', '--plain-http', name);
        expect(await containerd.ctr('images', 'check', '-q', `name==${name}`)).to.equal(name);
        await containerd.ctr('images', 'rm', name);
      });
    }
  });
});
