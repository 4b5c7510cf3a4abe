import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { archiveItems } from '../../src/content/archive/save.ts';
import { resolveImage } from '../../src/content/resolve-image.ts';
import { type TarEntry, tarEntry } from '../../src/tar/entry.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { chunked, collect } from '../content/conformance.ts';
import { GitServer } from './servers/git-server.ts';
import { WebServer } from './servers/web-server.ts';
import { BuildSandbox, errorOf } from './support.ts';

type Files = Readonly<Record<string, string | Partial<TarEntry>>>;

/** A tar archive with these files; more about one in place of its content. */
function archiveOf(files: Files): Promise<Buffer> {
  const items = Object.entries(files).map(([name, file]) => {
    const fields = typeof file === 'string' ? {} : file;
    const content = typeof file === 'string' ? Buffer.from(file) : undefined;
    const entry = tarEntry({ type: 'file', name: byteString(name), ...fields });
    return entry.type === 'file' ? tarItem(entry, content ?? Buffer.from('x')) : { entry };
  });
  return collect(writeTar(items));
}

describe('build contexts', function () {
  this.timeout(30_000);
  let sandbox: BuildSandbox;
  beforeEach(async () => {
    sandbox = await BuildSandbox.open();
  });
  afterEach(() => sandbox.close());

  const layerOf = async (context: string, options: Partial<BuildOptions> = {}, index = -1) => {
    const { image } = await sandbox.build(context, options);
    return sandbox.layer(image, index);
  };
  const stdin = (bytes: Uint8Array | string) => chunked(Buffer.from(bytes), 700);

  describe('-', () => {
    it('takes a Dockerfile, and has no files', async () => {
      const text = 'FROM scratch\nCOPY . /x/\nCOPY <<EOF /f\nhello\nEOF\n';
      expect(await layerOf('-', { stdin: stdin(text) })).to.deep.equal(['-0644 0:0 f']);
    });

    const compressions: [string, (bytes: Buffer) => Uint8Array][] = [
      ['plain', bytes => bytes],
      ['gzip', bytes => gzipSync(bytes)],
      ...['bzip2', 'xz', 'zstd'].map((program): [string, (bytes: Buffer) => Uint8Array] => [
        program,
        bytes => execFileSync(program, ['-c'], { input: bytes }),
      ]),
    ];
    for (const [name, compress] of compressions) {
      it(`takes an archive, with its owners and without .dockerignore: ${name}`, async () => {
        const archive = await archiveOf({
          './Dockerfile': 'FROM scratch\nCOPY f d /x/\n',
          '.dockerignore': 'f',
          './f': { uid: 5, gid: 6 },
          'd/': { type: 'directory', uid: 7 },
          'd/g': { uid: 7, gid: 8, mode: 0o600 },
        });
        expect(await layerOf('-', { stdin: stdin(compress(archive)) })).to.deep.equal([
          'd0755 0:0 x',
          '-0644 5:6 x/f',
          '-0600 7:8 x/g',
        ]);
        expect(readdirSync(sandbox.path('root/build-cache/scratch'))).to.deep.equal([]);
      });
    }

    it('takes -f as a path inside the archive', async () => {
      const archive = await archiveOf({ 'docker/Other': 'FROM scratch\nCOPY a /b\n', a: 'a' });
      const layer = await layerOf('-', { stdin: stdin(archive), file: 'docker/Other' });
      expect(layer).to.deep.equal(['-0644 0:0 b']);
    });

    it('CVE-2026-33747: reads no Dockerfile through a link that leads out', async () => {
      writeFileSync(sandbox.path('outside'), 'FROM scratch\nCOPY secret /x\n');
      const target = { type: 'symlink', linkname: byteString(sandbox.path('outside')) } as const;
      const archive = await archiveOf({ Dockerfile: target });
      const error = await errorOf(() => sandbox.build('-', { stdin: stdin(archive) }));
      expect(error.code).to.equal('DOCKERFILE_UNKNOWN');
    });

    it('CVE-2024-9676: unpacks nothing outside', async () => {
      const archive = await archiveOf({ Dockerfile: 'FROM scratch\n', '../../../escape': 'x' });
      const error = await errorOf(() => sandbox.build('-', { stdin: stdin(archive) }));
      expect(error.code).to.equal('LAYER_ENTRY_INVALID');
      expect(readdirSync(sandbox.path('root/build-cache/scratch'))).to.deep.equal([]);
    });

    it('says what is wrong with an archive without a Dockerfile, and with a -f beside a Dockerfile', async () => {
      const archive = await archiveOf({ a: 'a' });
      const missing = await errorOf(() => sandbox.build('-', { stdin: stdin(archive) }));
      expect(missing.code).to.equal('DOCKERFILE_UNKNOWN');
      const both = await errorOf(() => sandbox.build('-', { stdin: stdin('FROM scratch'), file: 'other' }));
      expect(both.code).to.equal('INVALID_ARGUMENT');
      const broken = await errorOf(() =>
        sandbox.build('-', { stdin: stdin(gzipSync('abc').subarray(0, 15)) }),
      );
      expect(broken.code).to.equal('COMPRESSION_INVALID');
    });
  });

  describe('a folder', () => {
    it('finds dockerfile in lower case', async () => {
      const context = sandbox.context({ dockerfile: 'FROM scratch\nCOPY a /b\n', a: '' });
      expect(await layerOf(context)).to.deep.equal(['-0644 0:0 b']);
    });

    it('takes the Dockerfile from elsewhere, with the .dockerignore of the folder', async () => {
      const context = sandbox.context({ a: '', b: '', '.dockerignore': 'b\n.dockerignore\n' });
      const dockerfile = Buffer.from('FROM scratch\nCOPY * /x/\n');
      expect(await layerOf(context, { dockerfile })).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a']);
    });

    it('trap 78: <Dockerfile>.dockerignore takes the place of .dockerignore', async () => {
      const context = sandbox.context({
        'sub/Dockerfile': 'FROM scratch\nCOPY a b c /x/\n',
        'sub/Dockerfile.dockerignore': 'sub\n',
        '.dockerignore': 'a\nb\n',
        a: '',
        b: '',
        c: '',
      });
      const layer = await layerOf(context, { file: `${context}/sub/Dockerfile` });
      expect(layer).to.have.length(4);
    });

    it('trap 78: the Dockerfile and .dockerignore are read though they are hidden, and not copied', async () => {
      const context = sandbox.context({
        Dockerfile: 'FROM scratch\nCOPY . /x/\n',
        '.dockerignore': '*\n!a\n',
        a: '',
        b: '',
      });
      expect(await layerOf(context)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a']);
    });

    it('may be called like a repository', async () => {
      const context = sandbox.context({ Dockerfile: 'FROM scratch\nCOPY a /b\n', a: '' }, 'git@host:x.git');
      const before = process.cwd();
      process.chdir(sandbox.folder);
      try {
        expect(await layerOf('git@host:x.git')).to.deep.equal(['-0644 0:0 b']);
      } finally {
        process.chdir(before);
      }
      expect(await layerOf(context)).to.deep.equal(['-0644 0:0 b']);
    });

    it('may be a link', async () => {
      sandbox.context({ Dockerfile: 'FROM scratch\nCOPY a /b\n', a: '' });
      symlinkSync('context', sandbox.path('link'));
      expect(await layerOf(sandbox.path('link'))).to.deep.equal(['-0644 0:0 b']);
    });
  });

  describe('URLs', () => {
    let web: WebServer;
    let content: Uint8Array;
    beforeEach(async () => {
      web = await WebServer.start((_, response) => response.end(content));
    });
    afterEach(() => web.stop());

    it('builds from an archive', async () => {
      content = gzipSync(await archiveOf({ Dockerfile: 'FROM scratch\nCOPY f /x\n', f: { uid: 3, gid: 3 } }));
      expect(await layerOf(`${web.url}/context.tar.gz`)).to.deep.equal(['-0644 3:3 x']);
    });

    it('builds from a Dockerfile, which is all that is in its context', async () => {
      content = Buffer.from('FROM scratch\nCOPY . /x/\n');
      expect(await layerOf(`${web.url}/Dockerfile`)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/context']);
    });

    it('takes a Dockerfile for a folder', async () => {
      content = Buffer.from('FROM scratch\nCOPY a /b\n');
      const context = sandbox.context({ a: '' });
      expect(await layerOf(context, { file: `${web.url}/Dockerfile` })).to.deep.equal(['-0644 0:0 b']);
    });

    it('says which URL cannot be fetched', async () => {
      const url = web.url;
      await web.stop();
      const error = await errorOf(() => sandbox.build(`${url}/context.tar`));
      expect(error.code).to.equal('DOWNLOAD_FAILED');
      expect(error.message).to.contain(`${url}/context.tar`);
      web = await WebServer.start((_, response) => response.end(content));
    });
  });

  describe('git repositories', () => {
    let server: GitServer;
    beforeEach(async () => {
      server = await GitServer.start(sandbox.path('repositories'));
      server.commit('app', {
        'sub/Dockerfile': 'FROM scratch\nCOPY . /x/\n',
        'sub/a': 'a',
        'sub/.dockerignore': 'a',
        Dockerfile: 'FROM scratch\nCOPY Dockerfile /y\n',
        'Keep.Dockerfile': 'FROM scratch\nCOPY .git/HEAD /head\n',
      });
    });
    afterEach(() => server.stop());

    it('builds from a repository, and from a folder of it, without .dockerignore', async () => {
      expect(await layerOf(server.urlOf('app'))).to.deep.equal(['-0644 0:0 y']);
      expect(await layerOf(`${server.urlOf('app')}#main:sub`)).to.deep.equal([
        'd0755 0:0 x',
        '-0644 0:0 x/.dockerignore',
        '-0644 0:0 x/Dockerfile',
        '-0644 0:0 x/a',
      ]);
    });

    it('keeps .git for BUILDKIT_CONTEXT_KEEP_GIT_DIR', async () => {
      const file = 'Keep.Dockerfile';
      const keep = { file, buildArgs: { BUILDKIT_CONTEXT_KEEP_GIT_DIR: '1' } };
      expect(await layerOf(server.urlOf('app'), keep)).to.deep.equal(['-0644 0:0 head']);
      const error = await errorOf(() => sandbox.build(server.urlOf('app'), { file }));
      expect(error.code).to.equal('COPY_SOURCE_UNKNOWN');
    });

    it('CVE-2026-33748: refuses a folder that leads out', async () => {
      const error = await errorOf(() => sandbox.build(`${server.urlOf('app')}#main:../../..`));
      expect(error.code).to.equal('INVALID_ARGUMENT');
    });
  });

  describe('--build-context', () => {
    const dockerfile = (...lines: readonly string[]) =>
      sandbox.context({ Dockerfile: lines.join('\n'), own: '' });
    const folder = (files: Readonly<Record<string, string>>) => sandbox.context(files, 'other');

    it('gives a folder a name, with its own .dockerignore', async () => {
      const other = folder({ a: '', b: '', '.dockerignore': 'b\n.dockerignore\n' });
      const context = dockerfile('FROM scratch', 'COPY --from=other . /x/');
      expect(await layerOf(context, { contexts: { other } })).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a']);
    });

    it('says which line of which .dockerignore hides a file, and near names, of the named folder', async () => {
      const other = folder({ a: '', bee: '', '.dockerignore': 'a\n' });
      const hidden = await errorOf(() =>
        sandbox.build(dockerfile('FROM scratch', 'COPY --from=other a /x'), { contexts: { other } }),
      );
      expect(hidden.message).to.contain('is hidden by .dockerignore:1: a');
      const near = await errorOf(() =>
        sandbox.build(dockerfile('FROM scratch', 'COPY --from=other be /x'), { contexts: { other } }),
      );
      expect(near).to.include({
        message: 'COPY source "be" is not in the context "other"',
        remedy: 'Did you mean "bee"?',
      });
    });

    it('takes the place of an image, in all its spellings, and of a stage', async () => {
      const other = folder({ a: '' });
      for (const name of ['alpine', 'alpine:latest', 'docker.io/library/alpine']) {
        const context = dockerfile('FROM scratch', 'COPY --from=alpine a /x');
        expect(await layerOf(context, { contexts: { [name]: other } }), name).to.deep.equal(['-0644 0:0 x']);
      }
      const stage = dockerfile(
        'FROM nowhere.invalid/image AS dep',
        'RUN false',
        'FROM scratch',
        'COPY --from=dep a /y',
      );
      expect(await layerOf(stage, { contexts: { dep: other } })).to.deep.equal(['-0644 0:0 y']);
    });

    it('is the base of a stage, as one layer with its line in the history', async () => {
      const other = folder({ 'etc/a': 'content' });
      const context = dockerfile('FROM other AS base', 'ENV A=b', 'FROM base', 'COPY own /own');
      const { image, log } = await sandbox.build(context, { contexts: { other } });
      expect(await sandbox.layer(image, 0)).to.deep.equal(['d0755 0:0 etc', '-0644 0:0 etc/a']);
      const { history = [], rootfs } = image.config.value;
      expect(history.map(entry => entry.created_by)).to.deep.equal([
        undefined,
        'ENV A=b',
        'COPY own /own # buildkit',
      ]);
      expect(history.filter(entry => entry.empty_layer !== true)).to.have.length(rootfs.diff_ids.length);
      expect(log.steps[0]).to.equal('done FROM the context "other"');
      const again = await sandbox.build(context, { contexts: { other } });
      expect(again.descriptor).to.deep.equal(image.descriptor);
    });

    it('stands for an image', async () => {
      await sandbox.build(
        sandbox.context({ Dockerfile: 'FROM scratch\nCOPY a /a\nENV B=c\n', a: '' }, 'base'),
        {
          tags: ['base:1'],
        },
      );
      const context = dockerfile('FROM golang', 'COPY --from=golang /a /b');
      const contexts = { golang: 'docker-image://base:1' };
      const { image } = await sandbox.build(context, { contexts });
      expect(image.config.value.config?.Env).to.include('B=c');
      expect(await sandbox.layer(image, 1)).to.deep.equal(['-0644 0:0 b']);
      const empty = await sandbox
        .build(context, { contexts: { golang: 'docker-image://scratch' } })
        .catch(error => error);
      expect(empty.code).to.equal('COPY_SOURCE_UNKNOWN');
    });

    it('stands for an image of an OCI layout, by name or digest', async () => {
      const base = await sandbox.build(
        sandbox.context({ Dockerfile: 'FROM scratch\nCOPY a /a\nENV B=c\n', a: '' }, 'base'),
        { tags: ['base:1'] },
      );
      const image = await resolveImage(sandbox.store, 'base:1');
      const archive = await collect(
        writeTar(
          archiveItems(sandbox.store, [{ image, names: ['docker.io/library/base:1'] }], { format: 'oci' }),
        ),
      );
      mkdirSync(sandbox.path('layout'));
      execFileSync('tar', ['-xC', sandbox.path('layout')], { input: archive });
      const fresh = await BuildSandbox.open();
      try {
        const context = fresh.context({ Dockerfile: 'FROM dep\nCOPY --from=dep /a /b\n' });
        for (const end of ['', `@${base.descriptor.digest}`]) {
          const contexts = { dep: `oci-layout://${sandbox.path('layout')}${end}` };
          const built = await fresh.build(context, { contexts });
          expect(built.image.config.value.config?.Env).to.include('B=c');
        }
        const wrong = { dep: `oci-layout://${sandbox.path('layout')}:nope` };
        const error = await errorOf(() => fresh.build(context, { contexts: wrong }));
        expect(error.code).to.equal('IMAGE_UNKNOWN');
        expect(error.location?.line).to.equal(1);
        const none = { dep: `oci-layout://${sandbox.folder}` };
        expect((await errorOf(() => fresh.build(context, { contexts: none }))).code).to.equal(
          'CONTEXT_INVALID',
        );
      } finally {
        fresh.close();
      }
    });

    it('stands for a git repository, and for a URL, which is one file', async () => {
      const server = await GitServer.start(sandbox.path('repositories'));
      const web = await WebServer.start((_, response) => response.end('content'));
      try {
        server.commit('app', { a: 'a', 'dir/b': 'b' });
        const context = dockerfile('FROM scratch', 'COPY --from=repo /b /b', 'COPY --from=file /context /c');
        const contexts = { repo: `${server.urlOf('app')}#main:dir`, file: `${web.url}/file` };
        const { image } = await sandbox.build(context, { contexts });
        expect(await sandbox.layer(image, 0)).to.deep.equal(['-0644 0:0 b']);
        expect(await sandbox.fileIn(image, 'c')).to.equal('content');
      } finally {
        await server.stop();
        await web.stop();
      }
    });

    it('may be for one platform', async () => {
      const [one, two] = [sandbox.context({ f: 'one' }, 'one'), sandbox.context({ f: 'two!' }, 'two')];
      const contexts = { dep: one, 'dep::linux/arm64': two };
      const context = dockerfile('FROM scratch', 'COPY --from=dep f /f');
      const { image } = await sandbox.build(context, { contexts });
      expect(await sandbox.fileIn(image, 'f')).to.equal('one');
      const arm = await sandbox.build(context, {
        contexts,
        platforms: [{ os: 'linux', architecture: 'arm64' }],
      });
      expect(await sandbox.fileIn(arm.image, 'f')).to.equal('two!');
    });

    const failures: [string, string, string][] = [
      ['a folder that is not there', '/nowhere/at/all', 'CONTEXT_INVALID'],
      ['an unknown scheme', 'target:base', 'UNSUPPORTED'],
      ['an image that is not there', 'docker-image://nowhere', 'IMAGE_UNKNOWN'],
    ];
    for (const [name, value, code] of failures) {
      it(`fails for ${name}, at the word that uses it`, async () => {
        const context = dockerfile('FROM scratch', 'COPY --from=dep f /f');
        const error = await errorOf(() => sandbox.build(context, { contexts: { dep: value } }));
        expect(error.code).to.equal(code);
        expect(error.location).to.include({ line: 2, column: 13 });
      });
    }
  });
});
