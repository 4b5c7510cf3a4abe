import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readTar } from '../../src/tar/reader.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const files: readonly (readonly [path: string, mode: number])[] = [
  ['Dockerfile', 0o644],
  ['folder/one', 0o644],
  ['folder/two', 0o755],
  ['folder/deep/three', 0o600],
  ['plain', 0o640],
];

const dockerfile = [
  'FROM busybox AS build',
  'WORKDIR /src/deep',
  'COPY folder .',
  'RUN mkdir -p /out/a/b && for name in z y x; do echo $name > /out/$name; done && ln -s x /out/link',
  'FROM busybox',
  'ARG VERSION=1',
  'COPY --from=build /out /out',
  'COPY --chown=app folder plain /here/',
  'COPY --link plain /linked/',
  'RUN rm /out/z && touch /here/new && chmod 700 /here/deep && echo late:x:77:77::/:/bin/sh >> /etc/passwd',
  'USER late',
  'WORKDIR /work',
  'LABEL version=$VERSION',
].join('\n');

interface Circumstances {
  readonly umask: string;
  readonly owner: number;
  readonly order: 1 | -1;
  /** Seconds since 1970, after the time that the build pretends to be at. */
  readonly mtime: number;
}

const machines: readonly Circumstances[] = [
  { umask: '022', owner: 0, order: 1, mtime: 1_750_000_000 },
  { umask: '077', owner: 1234, order: -1, mtime: 1_760_000_000 },
];

describe('builds at one time of two machines', function () {
  this.timeout(120_000);
  const open: Sandbox[] = [];
  let base: Sandbox;

  before(async () => {
    base = await Sandbox.create();
    await base.importBusybox();
    await base.hawser('save', '-o', 'base.tar', 'busybox');
  });
  afterEach(async () => {
    for (const sandbox of open.splice(0)) await sandbox.dispose();
  });
  after(() => base?.dispose());

  const machine = async ({ owner, order, mtime }: Circumstances) => {
    const sandbox = await Sandbox.create();
    open.push(sandbox);
    await sandbox.hawser('load', '-q', '-i', join(base.folder, 'base.tar'));
    const app = join(sandbox.folder, 'app');
    for (const folder of ['', 'folder', 'folder/deep']) mkdirSync(join(app, folder));
    for (const [path, mode] of order === 1 ? files : files.toReversed()) {
      const file = join(app, path);
      writeFileSync(file, path === 'Dockerfile' ? dockerfile : `content of ${path}\n`);
      chmodSync(file, mode);
      chownSync(file, owner, owner);
      utimesSync(file, mtime, mtime);
    }
    for (const folder of ['folder', 'folder/deep']) chmodSync(join(app, folder), 0o755);
    return sandbox;
  };

  const build = async (sandbox: Sandbox, umask: string, ...flags: string[]) => {
    const command = `umask ${umask}; exec "$0" "$@"`;
    const hawser = [process.execPath, new URL('../../bin/run.js', import.meta.url).pathname];
    const outputs = [
      '-t',
      'same:1',
      '--load',
      '-o',
      'type=oci,dest=oci.tar',
      '-o',
      'type=tar,dest=files.tar',
    ];
    const argv = [
      'sh',
      '-c',
      command,
      ...hawser,
      'build',
      '--metadata-file',
      'meta.json',
      ...outputs,
      ...flags,
      'app',
    ];
    await run(argv, { check: true, cwd: sandbox.folder, env: sandbox.env });
    const read = (name: string) => readFileSync(join(sandbox.folder, name));
    const hashOf = (name: string) => createHash('sha256').update(read(name)).digest('hex');
    const meta = JSON.parse(read('meta.json').toString());
    return {
      digest: meta['containerimage.digest'] as string,
      archive: hashOf('oci.tar'),
      files: hashOf('files.tar'),
    };
  };

  for (const isolation of ['oci', 'chroot']) {
    for (const form of [[], ['--squash']]) {
      it(`are equal to the byte under ${[isolation, ...form].join(' ')}`, async () => {
        const results: unknown[] = [];
        for (const circumstances of machines) {
          const sandbox = await machine(circumstances);
          const flags = ['--timestamp', '1700000000', '--isolation', isolation, ...form];
          results.push(await build(sandbox, circumstances.umask, ...flags));
        }
        expect(results[1]).to.deep.equal(results[0]);
      });
    }
  }

  it('have the time in all that is new, and leave the base image as it is', async () => {
    const [circumstances] = machines;
    if (circumstances === undefined) throw new Error('no machine');
    const sandbox = await machine(circumstances);
    await build(sandbox, '022', '--timestamp', '1700000000');
    const inspect = async (name: string) => JSON.parse(await sandbox.hawser('image', 'inspect', name))[0];
    const [made, from] = [await inspect('same:1'), await inspect('busybox')];
    const time = '2023-11-14T22:13:20.000Z';
    expect(made.Created).to.equal(time);
    expect(made.Manifest.layers[0].digest).to.equal(from.Manifest.layers[0].digest);
    const config = async (digest: string) =>
      JSON.parse(readFileSync(join(sandbox.root, 'images/blobs/sha256', digest.slice(7)), 'utf8'));
    const [{ history }, before] = [await config(made.Id), await config(from.Id)];
    expect(history.slice(0, before.history.length)).to.deep.equal(before.history);
    const times = new Set(
      history.slice(before.history.length).map((entry: { created: string }) => entry.created),
    );
    expect([...times]).to.deep.equal([time]);
    for (const { digest } of made.Manifest.layers.slice(1)) {
      const bytes = readFileSync(join(sandbox.root, 'images/blobs/sha256', digest.slice(7)));
      for await (const { entry } of readTar([bytes]))
        expect(entry.mtime.seconds, entry.name).to.be.at.most(1_700_000_000);
    }
  });

  it('take the time of the last commit for --timestamp git', async () => {
    const [circumstances] = machines;
    if (circumstances === undefined) throw new Error('no machine');
    const sandbox = await machine(circumstances);
    const app = join(sandbox.folder, 'app');
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    const env = { ...process.env, GIT_COMMITTER_DATE: '1600000000 +0000' };
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      [...identity, 'commit', '-qm', 'x'],
    ])
      await run(['git', '-C', app, ...args], { check: true, env });
    const { digest } = await build(sandbox, '022', '--timestamp', 'git');
    expect((await build(sandbox, '022', '--timestamp', '1600000000')).digest).to.equal(digest);
    const { stderr } = await sandbox.try(['build', '--timestamp', 'git', '-f', 'app/Dockerfile', '/usr']);
    expect(stderr).to.include('is in no git repository');
    const wrong = await sandbox.try(['build', '--timestamp', 'noon', 'app']);
    expect(wrong.stderr).to.include('is not a number of seconds');
  });
});
