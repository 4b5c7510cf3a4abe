import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from '../e2e/support/run.ts';
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
});
