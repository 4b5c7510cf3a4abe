import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type FakeImage, FakeRegistry, fakeImage, sha256 } from './support/fake-registry.ts';
import type { RunResult } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';
import { type RawEntry, rawTar } from './support/tar.ts';

/** What a hostile image would like to change: a folder with one file. Short, since it goes into old tar headers. */
const outside = `/tmp/hawser-outside-${process.pid}`;
const symbolicLink = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname });
const hardLink = (name: string, linkname: string): RawEntry => ({ name, type: '1', linkname });

/** One message that names what is wrong, no stack trace. */
function expectMessage(result: RunResult, code: string): void {
  expect(result.stderr, 'the code').to.contain(`[${code}]`);
  expect(result.stderr.match(/^hawser: /gm), result.stderr).to.have.length(1);
  expect(result.stderr, 'a stack trace').not.to.match(
    /^ +at (?:.*\(|async |node:|file:)|^node:|^ +at .*:\d+:\d+\)$/m,
  );
  expect(result.stderr, 'a stack trace').not.to.contain('node:internal');
}

describe('errors', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({
      'app/.dockerignore': '# comment\nhidden.*\n',
      'app/hidden.txt': '',
      'app/requirements.txt': '',
      'empty/file': '',
      'broken.tar': 'not an archive',
      'volume/docker': '',
    });
  });
  afterEach(async () => {
    expect(await sandbox.mounts(), 'what is left mounted').to.deep.equal([]);
  });
  after(() => sandbox?.dispose());

  const commandLines: readonly (readonly [line: string, exit: number, code: string, ...says: string[]])[] = [
    ['bild .', 2, 'INVALID_ARGUMENT', '"hawser bild ."', 'Did you mean "hawser build"?'],
    ['image pul x', 2, 'INVALID_ARGUMENT', 'Did you mean "hawser image pull"?'],
    ['image frobnicate', 2, 'INVALID_ARGUMENT', '"hawser image frobnicate"', 'See hawser image --help'],
    ['--frobnicate', 2, 'INVALID_ARGUMENT', '"--frobnicate"', 'See hawser --help'],
    ['image build --frobnicate .', 2, 'INVALID_ARGUMENT', '--frobnicate', 'See hawser image build --help'],
    ['build', 2, 'INVALID_ARGUMENT', 'context', 'See hawser image build --help'],
    ['tag busybox', 2, 'INVALID_ARGUMENT', 'target'],
    ['pull', 2, 'INVALID_ARGUMENT', 'image'],
    ['rmi', 2, 'INVALID_ARGUMENT', 'an image must be named'],
    ['rm', 2, 'INVALID_ARGUMENT', 'a container must be named'],
    ['exec x', 2, 'INVALID_ARGUMENT', 'a container and a command'],
    ['run', 125, 'INVALID_ARGUMENT', 'an image must be named'],
    [
      'build --output type=zip,dest=x app',
      2,
      'INVALID_ARGUMENT',
      '"zip"',
      'type=image|registry|oci|docker|local|tar',
    ],
    ['build --output type=local app', 2, 'INVALID_ARGUMENT', 'dest'],
    ['build --add-host x app', 2, 'INVALID_ARGUMENT', '"x"', 'HOST:ADDRESS'],
    ['build --platform a/b/c/d app', 1, 'PLATFORM_INVALID', '"a/b/c/d"', 'linux/amd64'],
    ['build -t Upper app', 1, 'REFERENCE_INVALID', '"Upper"', 'lower case'],
    ['build -f missing app', 1, 'DOCKERFILE_UNKNOWN', '"missing"', '-f'],
    ['build empty', 1, 'DOCKERFILE_UNKNOWN', 'empty/Dockerfile', '-f'],
    ['build nowhere', 1, 'DOCKERFILE_UNKNOWN', 'nowhere', '-f'],
    ['pull Nginx::x', 1, 'REFERENCE_INVALID', '"Nginx::x"'],
    ['tag busybox a:b:c', 1, 'REFERENCE_INVALID', '"a:b:c"'],
    ['tag missing new', 1, 'IMAGE_UNKNOWN', '"missing"', 'hawser image ls'],
    ['image inspect busybocks', 1, 'IMAGE_UNKNOWN', '"busybocks"', 'Did you mean busybox:latest?'],
    ['save -o x.tar missing', 1, 'IMAGE_UNKNOWN', '"missing"'],
    ['push 127.0.0.1:1/missing', 1, 'IMAGE_UNKNOWN', 'missing'],
    ['load -i nowhere.tar', 1, 'NOT_FOUND', '"nowhere.tar"', 'path'],
    ['load -i broken.tar', 1, 'TAR_INVALID', 'archive'],
    ['import nowhere.tar', 1, 'NOT_FOUND', '"nowhere.tar"'],
    ['import app', 2, 'INVALID_ARGUMENT', '"app"', 'folder'],
    ['logs missing', 1, 'CONTAINER_UNKNOWN', '"missing"', 'hawser ps -a'],
    ['rm missing', 1, 'CONTAINER_UNKNOWN', '"missing"', 'hawser ps -a'],
    ['run -p a:b busybox', 125, 'INVALID_ARGUMENT', '"a:b"', '8080:80'],
    ['run -v :: busybox', 125, 'INVALID_ARGUMENT', '"::"', 'TARGET'],
    ['registry serve --addr 99999', 2, 'INVALID_ARGUMENT', '"99999"', '[HOST]:PORT'],
  ];
  for (const [line, exit, code, ...says] of commandLines) {
    it(`hawser ${line}: ${code}`, async () => {
      const result = await sandbox.try(line.split(' '));
      expect(result.code, result.stderr).to.equal(exit);
      expectMessage(result, code);
      for (const word of says) expect(result.stderr).to.contain(word);
      expect(result.stdout).to.equal('');
    });
  }

  const dockerfiles: readonly (readonly [text: string, code: string, ...says: string[]])[] = [
    [
      'RUNN echo',
      'DOCKERFILE_INVALID',
      'unknown instruction: RUNN',
      'Dockerfile:2:1',
      '2 | RUNN echo\n    | ^^^^\n',
      'Write RUN.',
    ],
    ['WORKDIR', 'DOCKERFILE_INVALID', 'WORKDIR', 'Dockerfile:2:1', '    | ^^^^^^^\n'],
    ['RUN --mount=type=odd true', 'DOCKERFILE_INVALID', '"odd"', 'Dockerfile:2:13', '    |             ^^^^'],
    ['FROM a::b', 'REFERENCE_INVALID', '"a::b"', 'Dockerfile:2:6', '    |      ^^^^\n'],
    [
      'COPY requirement.txt /',
      'COPY_SOURCE_UNKNOWN',
      '"requirement.txt"',
      'Dockerfile:2',
      'Did you mean "requirements.txt"?',
    ],
    [
      'COPY hidden.txt /',
      'COPY_SOURCE_UNKNOWN',
      '.dockerignore:2: hidden.*',
      'Dockerfile:2',
      '"!hidden.txt"',
    ],
    ['COPY ../volume /', 'COPY_SOURCE_UNKNOWN', '"../volume"', 'root of the build context'],
    ['COPY --from=busybox /none /', 'COPY_SOURCE_UNKNOWN', '/none', 'Dockerfile:2'],
    [
      'RUN echo first; echo second >&2; exit 3',
      'BUILD_STEP_FAILED',
      'exit code 3',
      '  second',
      'Dockerfile:2',
      '2 | RUN echo first',
    ],
    [
      'RUN no-such-program',
      'BUILD_STEP_FAILED',
      'exit code 127',
      'no-such-program: not found',
      'Dockerfile:2',
    ],
  ];
  for (const [text, code, ...says] of dockerfiles) {
    it(`Dockerfile with ${text}: ${code}`, async () => {
      await sandbox.write({ 'app/Dockerfile': `FROM busybox\n${text}\n` });
      const result = await sandbox.try(['build', '-q', '-t', 'wrong', 'app']);
      expect(result.code, result.stderr).to.equal(1);
      expectMessage(result, code);
      for (const word of says) expect(result.stderr).to.contain(word);
      expect(await sandbox.hawser('image', 'ls', '-q', 'wrong'), 'an image').to.equal('');
    });
  }

  describe('from a registry', () => {
    let registry: FakeRegistry;
    before(async () => {
      registry = await FakeRegistry.start();
    });
    after(() => registry?.stop());
    beforeEach(() => registry.images.clear());

    const layer = rawTar([{ name: 'file', body: 'x' }]);
    type Manifest = Record<string, unknown> & { readonly layers: readonly Record<string, unknown>[] };
    const spoilt = (change: (manifest: Manifest) => unknown) =>
      fakeImage(layer, it => change(it as Manifest));
    const manifests: readonly (readonly [what: string, image: FakeImage, ...says: string[]])[] = [
      ['a schemaVersion of 3', spoilt(it => ({ ...it, schemaVersion: 3 })), 'schemaVersion'],
      ['no config', spoilt(it => ({ ...it, config: undefined })), 'config'],
      [
        'a size that is text',
        spoilt(it => ({ ...it, layers: [{ ...it.layers[0], size: '9' }] })),
        'layers[0].size',
      ],
      [
        'a size below 0',
        spoilt(it => ({ ...it, layers: [{ ...it.layers[0], size: -1 }] })),
        'layers[0].size',
      ],
      [
        'a digest that is none',
        spoilt(it => ({ ...it, layers: [{ ...it.layers[0], digest: 'x' }] })),
        'layers[0].digest',
      ],
      ['layers and manifests (CVE-2021-41190)', spoilt(it => ({ ...it, manifests: [] })), 'manifests'],
      ['JSON that ends early', { ...fakeImage(layer), manifest: '{"schemaVersion":2,' }, 'JSON'],
    ];
    for (const [what, image, ...says] of manifests) {
      it(`a manifest with ${what}: MANIFEST_INVALID`, async () => {
        registry.images.set('wrong', image);
        const result = await sandbox.try(['pull', `${registry.host}/wrong`]);
        expect(result.code, result.stderr).to.equal(1);
        expectMessage(result, 'MANIFEST_INVALID');
        for (const word of says) expect(result.stderr).to.contain(word);
        expect(await sandbox.hawser('image', 'ls', '-q', `${registry.host}/wrong`)).to.equal('');
      });
    }

    it('a layer that is not what its digest says: DIGEST_INVALID, and nothing stays', async () => {
      const image = fakeImage(layer);
      const other = rawTar([{ name: 'file', body: 'y' }]);
      const digest = sha256(layer);
      registry.images.set('wrong', { ...image, blobs: new Map([...image.blobs, [digest, other]]) });
      const result = await sandbox.try(['pull', `${registry.host}/wrong`]);
      expect(result.code).to.equal(1);
      expectMessage(result, 'DIGEST_INVALID');
      expect(result.stderr).to.contain(digest.slice(0, 19));
      expect(await readdir(join(sandbox.root, 'images/blobs/sha256'))).not.to.include(digest.slice(7));
    });

    it('a name that it does not have: MANIFEST_UNKNOWN', async () => {
      const result = await sandbox.try(['pull', `${registry.host}/none:1`]);
      expect(result.code).to.equal(1);
      expectMessage(result, 'MANIFEST_UNKNOWN');
      expect(result.stderr).to.contain('none');
    });
  });

  describe('what leads outside', () => {
    let registry: FakeRegistry;
    let busybox: RawEntry;
    before(async () => {
      registry = await FakeRegistry.start();
      busybox = { name: 'busybox', mode: 0o755, body: await readFile('/usr/bin/busybox') };
    });
    after(() => registry?.stop());
    beforeEach(async () => {
      await rm(outside, { recursive: true, force: true });
      await mkdir(outside);
      await writeFile(`${outside}/file`, 'as it was');
    });
    afterEach(async () => {
      expect(await readdir(outside)).to.deep.equal(['file']);
      expect(await readFile(`${outside}/file`, 'utf8')).to.equal('as it was');
    });
    after(() => rm(outside, { recursive: true, force: true }));

    const refused: readonly (readonly [advisory: string, entries: readonly RawEntry[]])[] = [
      ['CVE-2001-1267 .. in a name', [{ name: `../../../../../../../../..${outside}/new` }]],
      ['CVE-2021-21272 .. behind a folder', [{ name: `a/../../../../../../../..${outside}/new` }]],
      [
        'CVE-2014-6407 a hard link to a file outside',
        [hardLink('h', `${outside}/file`), { name: 'h', body: 'x' }],
      ],
      ['CVE-2026-23745 a hard link with ..', [hardLink('h', `../../../../../..${outside}/file`)]],
      [
        'CVE-2026-26960 a hard link through a symbolic link',
        [symbolicLink('l', outside), hardLink('h', 'l/file'), { name: 'h', body: 'x' }],
      ],
      ['a whiteout of ..', [{ name: 'a/.wh...' }]],
    ];
    for (const [advisory, entries] of refused) {
      it(`${advisory}: a layer of a registry is refused`, async () => {
        registry.images.set('hostile', fakeImage(rawTar([busybox, ...entries])));
        const name = `${registry.host}/hostile`;
        const result = await sandbox.try(['run', '-q', '--rm', name, '/busybox', 'true']);
        expect(result.code, result.stderr).to.equal(125);
        expectMessage(result, 'LAYER_ENTRY_INVALID');
        expect(result.stderr).to.contain(JSON.stringify(entries.at(entries[0]?.type === '2' ? 1 : 0)?.name));
        expect(await sandbox.hawser('ps', '-aq')).to.equal('');
        expect((await sandbox.try(['image', 'inspect', name])).code, 'nothing half-made stays').to.equal(1);
      });
    }

    /** Docker takes these too; what they write must lie inside the image's root. */
    const kept: readonly (readonly [advisory: string, entries: readonly RawEntry[], where: string])[] = [
      ['CVE-2021-32804 an absolute name', [{ name: `${outside}/new` }], `${outside}/new`],
      [
        'CVE-2021-32803 a folder, a symbolic link in its place, a file through it',
        [{ name: 'a', type: '5' }, symbolicLink('a', outside), { name: 'a/new', body: 'x' }],
        '/a/new',
      ],
      [
        'CVE-2018-20834 a file over a symbolic link to a file outside',
        [symbolicLink('new', `${outside}/file`), { name: 'new', body: 'x' }],
        '/new',
      ],
      [
        'CVE-2025-48387 a file through a relative symbolic link',
        [symbolicLink('r', `../../../../..${outside}`), { name: 'r/new', body: 'x' }],
        '/r/new',
      ],
      [
        'CVE-2019-14271 a whiteout through a symbolic link',
        [symbolicLink('w', outside), { name: 'w/.wh.file' }, { name: 'new' }],
        '/new',
      ],
    ];
    for (const [advisory, entries, where] of kept) {
      it(`${advisory}: a layer of an archive stays inside its root`, async () => {
        const layer = rawTar([busybox, ...entries]);
        const manifest = [{ Config: 'config.json', RepoTags: ['hostile:1'], Layers: ['layer.tar'] }];
        const archive = [
          { name: 'config.json', body: fakeImage(layer).config },
          { name: 'layer.tar', body: layer },
          { name: 'manifest.json', body: JSON.stringify(manifest) },
        ];
        const loaded = await sandbox.try(['load'], { input: rawTar(archive) });
        expect(loaded.code, loaded.stderr).to.equal(0);
        expect(await sandbox.hawser('run', '--rm', 'hostile:1', '/busybox', 'ls', where)).to.equal(where);
        await sandbox.hawser('rmi', 'hostile:1');
      });
    }

    const config = fakeImage(rawTar([])).config;
    const archives: readonly (readonly [advisory: string, layer: string, entries: readonly RawEntry[]])[] = [
      [
        'CVE-2014-9356 a layer that is a symbolic link',
        'layer.tar',
        [symbolicLink('layer.tar', `${outside}/file`)],
      ],
      ['CVE-2014-9358 a layer by a path outside', `../../..${outside}/file`, []],
    ];
    for (const [advisory, layer, entries] of archives) {
      it(`${advisory}: an archive is refused`, async () => {
        const manifest = [{ Config: 'config.json', RepoTags: ['hostile:2'], Layers: [layer] }];
        const files = [
          { name: 'config.json', body: config },
          { name: 'manifest.json', body: JSON.stringify(manifest) },
        ];
        const result = await sandbox.try(['load'], { input: rawTar([...entries, ...files]) });
        expect(result.code, result.stderr).to.equal(1);
        expect(result.stderr).to.match(/^hawser: .*\[[A-Z_]+\]$/m);
        expect(await sandbox.hawser('image', 'ls', '-q', 'hostile')).to.equal('');
      });
    }
  });
});
