import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { DockerDaemon } from './support/dockerd.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const imageID = /^sha256:[0-9a-f]{64}$/;

/** Two stages, each with something that the other must not see. */
const project = {
  'app/Dockerfile': [
    'ARG BASE=busybox',
    'FROM busybox AS make',
    'ARG VERSION=0',
    'WORKDIR /src',
    'COPY . .',
    'RUN echo "version $VERSION" > /out && ls -A > /files && rm /etc/group',
    'FROM $BASE AS release',
    'ENV GREETING="hello world"',
    'WORKDIR /srv/app',
    'COPY --from=make --chown=app:app /out ./version',
    'COPY --from=make /files .',
    'COPY --chmod=755 bin/*.sh /usr/bin/',
    'RUN rm -r /home && mkdir /srv/made && ln -s app /srv/link',
    'USER app',
    'LABEL kind=test',
    'EXPOSE 8080',
    'ENTRYPOINT ["greet.sh"]',
    'CMD ["you"]',
    'FROM release AS extra',
    'USER root',
    'RUN touch /extra',
    '',
  ].join('\n'),
  'app/.dockerignore': '*.log\n!keep.log\nsecret\n',
  'app/bin/greet.sh': '#!/bin/sh\necho "$GREETING $1 $(cat version) $(id -un)"\n',
  'app/drop.log': 'x',
  'app/keep.log': 'x',
  'app/secret/key': 'x',
  'app/other.Dockerfile': 'FROM busybox\nRUN echo other > /other\n',
};

/** Bytes of the files below a folder. */
async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return size;
}

describe('images', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let daemon: DockerDaemon | undefined;

  /** The daemon of the whole file, started when the first test asks for it. */
  const docker = async () => (daemon ??= await DockerDaemon.start());

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write(project);
  });
  afterEach(async () => {
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
  });
  after(() => daemon?.stop());

  const build = async (...args: string[]) => {
    const result = await sandbox.try(['image', 'build', '--progress', 'plain', ...args]);
    expect(result.code, result.stderr).to.equal(0);
    return result.stderr;
  };
  const idOf = (name: string) => sandbox.hawser('image', 'inspect', '-f', '{{.Id}}', name);

  describe('build', () => {
    it('makes stages, arguments, owners and whiteouts, and leaves out what .dockerignore names', async () => {
      await build('-t', 'app', '--target', 'release', '--build-arg', 'VERSION=3', 'app');
      expect(await sandbox.hawser('run', '--rm', 'app')).to.equal('hello world you version 3 app');
      const list =
        'cat files; ls -ln version files; ls -d /home /srv/made /extra /out 2>&1; readlink /srv/link; pwd';
      const inside = (await sandbox.hawser('run', '--rm', '--entrypoint', 'sh', 'app', '-c', list)).split(
        '\n',
      );
      expect(inside.slice(0, 5)).to.deep.equal([
        '.dockerignore',
        'Dockerfile',
        'bin',
        'keep.log',
        'other.Dockerfile',
      ]);
      expect(inside[5]).to.match(/^-rw-r--r--\s+1 0\s+0\s.* files$/);
      expect(inside[6]).to.match(/^-rw-r--r--\s+1 1000\s+1000\s.* version$/);
      expect(inside.slice(7)).to.have.members([
        '/srv/made',
        'ls: /home: No such file or directory',
        'ls: /extra: No such file or directory',
        'ls: /out: No such file or directory',
        'app',
        '/srv/app',
      ]);
      const config = JSON.parse(await sandbox.hawser('image', 'inspect', '-f', '{{json .Config}}', 'app'));
      expect(config).to.deep.include({
        User: 'app',
        WorkingDir: '/srv/app',
        Entrypoint: ['greet.sh'],
        Cmd: ['you'],
        Labels: { kind: 'test' },
        ExposedPorts: { '8080/tcp': {} },
      });
      expect(config.Env).to.include('GREETING=hello world');
    });

    it('takes each step from the cache the second time, and gives the same id', async () => {
      await build('-t', 'app', 'app');
      const first = await idOf('app');
      const again = await build('-t', 'again', 'app');
      expect(again).not.to.match(/^#\d+ \d+\.\d+ /m);
      expect(again.match(/^#\d+ CACHED$/gm)).to.have.length.greaterThan(5);
      expect(await idOf('again')).to.equal(first);
    });

    it('runs from the changed file on, and only that', async () => {
      await build('-t', 'app', '--target', 'release', 'app');
      await sandbox.write({ 'app/bin/greet.sh': '#!/bin/sh\necho changed\n' });
      const again = await build('-t', 'app', '--target', 'release', 'app');
      expect(again).to.match(/^#\d+ CACHED$/m);
      expect(again).to.match(/^#\d+ DONE /m);
      expect(await sandbox.hawser('run', '--rm', 'app')).to.equal('changed');
    });

    it('runs each step again with --no-cache', async () => {
      await sandbox.write({
        'clock/Dockerfile': 'FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /id\n',
      });
      const inside = async () => {
        await build('-t', 'clock', ...(seen.length === 0 ? [] : ['--no-cache']), 'clock');
        return sandbox.hawser('run', '--rm', 'clock', 'cat', '/id');
      };
      const seen: string[] = [];
      seen.push(await inside());
      seen.push(await inside());
      expect(seen[1]).not.to.equal(seen[0]);
    });

    it('reads the Dockerfile that -f names, and stdin', async () => {
      await build('-t', 'other', '-f', 'app/other.Dockerfile', 'app');
      expect(await sandbox.hawser('run', '--rm', 'other', 'cat', '/other')).to.equal('other');
      const input = 'FROM busybox\nCOPY keep.log /kept\n';
      const piped = await sandbox.try(['build', '-t', 'piped', '-f', '-', 'app'], { input });
      expect(piped.code, piped.stderr).to.equal(0);
      expect(await sandbox.hawser('run', '--rm', 'piped', 'cat', '/kept')).to.equal('x');
    });

    it('prints only the id with -q, and writes it with --iidfile', async () => {
      const quiet = await sandbox.try(['build', '-q', '-t', 'app', '--iidfile', 'id', 'app']);
      expect(quiet).to.deep.include({ code: 0, stderr: '' });
      expect(quiet.stdout.trimEnd()).to.match(imageID);
      expect(await readFile(join(sandbox.folder, 'id'), 'utf8')).to.equal(quiet.stdout.trimEnd());
      expect(await idOf('app')).to.equal(quiet.stdout.trimEnd());
    });

    it('writes archives and folders with --output', async () => {
      for (const type of ['oci', 'docker', 'tar', 'local']) {
        await build('--target', 'release', '--output', `type=${type},dest=out.${type}`, 'app');
      }
      const at = (name: string) => join(sandbox.folder, name);
      const list = async (name: string) =>
        (await run(['tar', '-tf', at(name)], { check: true })).stdout.split('\n');
      expect(await list('out.oci')).to.include.members(['oci-layout', 'index.json']);
      expect(await list('out.docker')).to.include('manifest.json');
      const files = (await list('out.tar')).map(name => name.replace(/^\.?\//, ''));
      expect(files).to.include.members(['srv/app/version', 'usr/bin/greet.sh', 'bin/busybox']);
      expect(files).not.to.include('home/');
      expect(await readFile(at('out.local/srv/app/version'), 'utf8')).to.equal('version 0\n');
      expect(await readlink(at('out.local/srv/link'))).to.equal('app');
      expect((await stat(at('out.local/srv/app/version'))).uid).to.equal(process.getuid?.());
      expect(existsSync(at('out.local/home'))).to.equal(false);
      await run(['skopeo', 'inspect', `oci-archive:${at('out.oci')}`], { check: true });
      await run(['skopeo', 'inspect', `docker-archive:${at('out.docker')}`], { check: true });
    });
  });

  describe('the store', () => {
    it('tags, lists, inspects and tells the history', async () => {
      await build('-t', 'app:1', '--target', 'release', 'app');
      await sandbox.hawser('tag', 'app:1', 'localhost:5000/team/app:2');
      const rows = (await sandbox.hawser('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')).split('\n');
      expect(rows).to.have.members(['app:1', 'busybox:latest', 'localhost:5000/team/app:2']);
      const id = await idOf('app:1');
      expect(await sandbox.hawser('image', 'ls', '-q', '--no-trunc', 'app')).to.equal(id);
      expect(await idOf(id.slice(7, 19))).to.equal(id);
      const tags = await sandbox.hawser('image', 'inspect', '-f', '{{json .RepoTags}}', 'app:1');
      expect(JSON.parse(tags)).to.have.members(['app:1', 'localhost:5000/team/app:2']);
      const history = (
        await sandbox.hawser('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'app:1')
      ).split('\n');
      expect(history[0]).to.equal('CMD ["you"]');
      // The import of the base, the twelfth, has no text.
      expect(history).to.have.length(11);
      expect(history[10]).to.contain('ENV GREETING');
    });

    it('is an OCI layout that skopeo and umoci read', async () => {
      await build('-t', 'app', '--target', 'release', 'app');
      const images = `${sandbox.root}/images`;
      const name = 'docker.io/library/app:latest';
      const shown = await run(['skopeo', 'inspect', `oci:${images}:${name}`], { check: true });
      expect(JSON.parse(shown.stdout)).to.deep.include({ Architecture: 'amd64', Labels: { kind: 'test' } });
      const config = await run(['skopeo', 'inspect', '--config', '--raw', `oci:${images}:${name}`], {
        check: true,
      });
      expect(JSON.parse(config.stdout).config.User).to.equal('app');
      const listed = await run(['umoci', 'ls', '--layout', images], { check: true });
      expect(listed.stdout).to.contain(name);
    });

    it('frees what a removed image held, and keeps what another one shares', async () => {
      const images = `${sandbox.root}/images`;
      const before = await sizeOf(images);
      await sandbox.hawser('tag', 'busybox', 'kept');
      await sandbox.hawser('save', '-o', 'kept.tar', 'kept');
      await sandbox.write({ 'big/file': 'x'.repeat(5_000_000) });
      await run(['tar', '-cf', 'big.tar', 'big'], { cwd: sandbox.folder, check: true });
      await sandbox.hawser('import', 'big.tar', 'big');
      expect(await sizeOf(images)).to.be.greaterThan(before + 5_000_000);
      await sandbox.hawser('rmi', 'big', 'busybox');
      expect(await sizeOf(images)).to.be.lessThan(before + 10_000);
      expect(await sandbox.hawser('run', '--rm', 'kept', 'echo', 'still here')).to.equal('still here');
      await sandbox.hawser('rmi', 'kept');
      expect(await readdir(`${images}/blobs/sha256`)).to.deep.equal([]);
      await sandbox.hawser('load', '-i', 'kept.tar');
      expect(await sandbox.hawser('run', '--rm', 'kept', 'echo', 'back')).to.equal('back');
    });

    it('frees what only the build cache held with prune', async () => {
      await sandbox.write({ 'big/Dockerfile': 'FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=8\n' });
      const images = `${sandbox.root}/images`;
      const before = await sizeOf(images);
      await build('-t', 'big', 'big');
      await sandbox.hawser('rmi', 'big');
      await sandbox.hawser('image', 'prune', '--force', '--build-cache');
      expect(await sizeOf(images)).to.be.lessThan(before + 100_000);
      expect(await sandbox.hawser('image', 'ls', '-q')).not.to.equal('');
    });
  });

  describe('archives', () => {
    it('come back as they were, in both formats, by pipe and by file', async () => {
      await build('-t', 'app:1', '--target', 'release', 'app');
      await sandbox.hawser('tag', 'app:1', 'app:2');
      const id = await idOf('app:1');
      for (const format of ['docker', 'oci']) {
        const file = `app.${format}`;
        await sandbox.hawser('save', '--format', format, '-o', file, 'app:1', 'app:2');
        await sandbox.hawser('rmi', 'app:1', 'app:2');
        const loaded = await sandbox.try(['load'], { input: await readFile(join(sandbox.folder, file)) });
        expect(loaded.stdout.trimEnd().split('\n')).to.have.members([
          'Loaded image: app:1',
          'Loaded image: app:2',
        ]);
        expect(await idOf('app:2')).to.equal(id);
        expect(await sandbox.hawser('run', '--rm', 'app:2')).to.equal('hello world you version 0 app');
      }
    });

    it('have their layers compressed, and images their id, as they are asked for', async () => {
      await build('-t', 'app', '--target', 'release', 'app');
      const id = await idOf('app');
      const types = { gzip: 'tar+gzip', zstd: 'tar+zstd', uncompressed: 'tar"' };
      for (const [compression, type] of Object.entries(types)) {
        await sandbox.hawser('save', '--compression', compression, '-o', 'compressed.tar', 'app');
        await sandbox.hawser('rmi', '-f', 'app');
        await sandbox.hawser('load', '-q', '-i', 'compressed.tar');
        expect(await idOf('app')).to.equal(id);
        const manifest = await run(
          ['skopeo', 'inspect', '--raw', `oci-archive:${sandbox.folder}/compressed.tar:latest`],
          {
            check: true,
          },
        );
        expect(manifest.stdout.replaceAll('.rootfs.diff', '')).to.contain(
          `application/vnd.oci.image.layer.v1.${type}`,
        );
        expect(await sandbox.hawser('run', '--rm', 'app')).to.equal('hello world you version 0 app');
        await build('-t', 'app', '--target', 'release', 'app');
      }
      const wrong = await sandbox.try([
        'save',
        '--compression',
        'gzip',
        '--compression-level',
        '11',
        '-o',
        'x.tar',
        'app',
      ]);
      expect(wrong.stderr).to.contain('gzip has no level 11');
    });

    it('of hawser are loaded and run by docker', async () => {
      const peer = await docker();
      await build('-t', 'app', '--target', 'release', 'app');
      await sandbox.hawser('save', '-o', 'app.tar', 'app');
      expect(await peer.docker('load', '-i', `${sandbox.folder}/app.tar`)).to.contain('app:latest');
      const args = ['run', '--rm', '--network', 'none', 'app', 'docker'];
      expect(await peer.docker(...args)).to.equal('hello world docker version 0 app');
      await peer.docker('rmi', 'app');
    });

    it('of docker save are loaded and run by hawser, with the id that docker shows', async () => {
      const peer = await docker();
      const archive = `${sandbox.folder}/base.tar`;
      await sandbox.hawser('save', '-o', archive, 'busybox');
      await peer.docker('load', '-i', archive);
      await sandbox.hawser('rmi', 'busybox');
      await peer.docker('build', '-q', '-t', 'theirs:1', '--target', 'release', `${sandbox.folder}/app`);
      await peer.docker('save', '-o', `${sandbox.folder}/theirs.tar`, 'theirs:1');
      expect(await sandbox.hawser('load', '-i', 'theirs.tar')).to.equal('Loaded image: theirs:1');
      expect(await sandbox.hawser('run', '--rm', 'theirs:1')).to.equal('hello world you version 0 app');
      expect(await idOf('theirs:1')).to.equal(
        await peer.docker('image', 'inspect', '-f', '{{.Id}}', 'theirs:1'),
      );
    });
  });
});
