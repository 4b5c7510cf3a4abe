import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SystemCheck } from '../../src/cli/check-system.ts';
import { Sandbox } from './support/sandbox.ts';

describe('system fsck', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({
      'app/Dockerfile': 'FROM busybox\nRUN echo one > /one\nCOPY file /file\n',
      'app/file': 'x\n',
    });
    await sandbox.hawser('build', '-q', '-t', 'app', 'app');
  });
  afterEach(() => sandbox.dispose());

  const blobs = () => join(sandbox.root, 'images/blobs/sha256');
  const fsck = async (...flags: string[]) => {
    const { code, stdout, stderr } = await sandbox.try(['system', 'fsck', '--format', 'json', ...flags]);
    expect(stderr).to.equal('');
    return { code, check: JSON.parse(stdout) as SystemCheck };
  };
  const names = async () =>
    (await sandbox.hawser('image', 'ls', '--format', '{{.Repository}}')).split('\n').sort();
  const layerOf = async (image: string, index: number) => {
    const [inspected] = JSON.parse(await sandbox.hawser('image', 'inspect', image));
    return (inspected.RootFS.Layers.at(index) as string).slice('sha256:'.length);
  };
  const told = (check: SystemCheck) =>
    check.problems.map(({ part, severity, outcome }) => `${severity} ${part} ${outcome}`).sort();
  const only = async (folder: string, wanted: RegExp) => {
    const path = join(sandbox.root, folder);
    return join(path, (await readdir(path)).find(name => wanted.test(name)) ?? 'nothing');
  };

  it('finds nothing in a store that is well', async () => {
    const { code, check } = await fsck();
    expect(code).to.equal(0);
    expect(check.problems).to.deep.equal([]);
    expect(check.checked).to.include({ names: 2, leases: 0, containers: 0 });
    expect(check.checked.blobs).to.equal((await readdir(blobs())).length);
    expect(await sandbox.hawser('system', 'fsck')).to.match(/^Checked \d+ blobs .*\nAll is well\.$/);
  });

  it('a damaged layer: names what needs it, keeps what is whole, and a new build mends the rest', async () => {
    const layer = await layerOf('app', 1);
    const path = join(blobs(), layer);
    const bytes = await readFile(path);
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const found = await fsck();
    expect(found.code).to.equal(1);
    expect(told(found.check)).to.deep.equal([
      'damage blob found',
      ...found.check.problems
        .filter(({ part }) => part === 'build cache')
        .map(() => 'damage build cache found'),
      'damage name found',
    ]);
    const name = found.check.problems.find(({ part }) => part === 'name');
    expect(name?.subject).to.equal('docker.io/library/app:latest');
    expect(name?.remedy).to.match(/hawser pull docker\.io\/library\/app:latest/);
    expect(await names()).to.deep.equal(['app', 'busybox']);

    const repaired = await fsck('--repair');
    expect(repaired.code).to.equal(0);
    expect(repaired.check.problems.map(({ outcome }) => outcome)).to.not.include.members(['found', 'failed']);
    expect(await names()).to.deep.equal(['busybox']);
    expect(existsSync(path)).to.equal(false);
    expect((await readdir(join(sandbox.root, 'images-state/quarantine'))).length).to.equal(1);
    expect((await fsck()).check.problems).to.deep.equal([]);
    await sandbox.hawser('build', '-q', '-t', 'app', 'app');
    expect(await sandbox.hawser('run', '--rm', 'app', 'cat', '/one', '/file')).to.equal('one\nx');
    expect((await fsck()).check.problems).to.deep.equal([]);
  });

  /** What is done to a good store, what fsck says, and which names are left after the repair. */
  const damages: readonly (readonly [
    what: string,
    damage: () => Promise<void>,
    finds: readonly string[],
    left: readonly string[],
  ])[] = [
    [
      'a layer that is gone',
      async () => rm(join(blobs(), await layerOf('busybox', 0))),
      ['damage name', 'damage name'],
      [''],
    ],
    [
      'a config that is gone',
      async () => {
        const id = await sandbox.hawser('image', 'ls', '-q', '--no-trunc', 'app');
        await rm(join(blobs(), id.slice('sha256:'.length)));
        expect(await names()).to.deep.equal(['app', 'busybox']);
      },
      ['damage name'],
      ['busybox'],
    ],
    [
      'a file without a digest among the blobs',
      () => writeFile(join(blobs(), 'note.txt'), 'x'),
      ['damage blob'],
      ['app', 'busybox'],
    ],
    [
      'half of an index.json',
      async () => {
        const path = join(sandbox.root, 'images/index.json');
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.slice(0, text.length / 2));
      },
      ['damage name'],
      ['<none>', '<none>'],
    ],
    [
      'an index.json with one bad entry',
      async () => {
        const path = join(sandbox.root, 'images/index.json');
        const index = JSON.parse(await readFile(path, 'utf8'));
        index.manifests[0].digest = 'sha256:no';
        await writeFile(path, JSON.stringify(index));
      },
      ['damage name'],
      ['<none>', 'app'],
    ],
    [
      'a snapshot without its record',
      async () => rm(join(await only('snapshots/overlay/committed', /^sha256/), 'info.json')),
      ['damage snapshot'],
      ['app', 'busybox'],
    ],
    [
      'a build result that is no JSON',
      async () => writeFile(await only('build-cache/steps', /json$/), '{"desc'),
      ['damage build cache'],
      ['app', 'busybox'],
    ],
    [
      'a lease, a half blob and a mount of processes that are gone',
      async () => {
        const state = join(sandbox.root, 'images-state');
        await writeFile(join(state, 'leases/00.lease'), '{"owner":"x","pid":1,"start":"9"}\n');
        await mkdir(join(state, 'ingest'), { recursive: true });
        await writeFile(join(state, 'ingest/999999-1-00.tmp'), 'x');
        await mkdir(join(sandbox.root, 'snapshots/overlay/active/999999-1~left/fs'), { recursive: true });
      },
      ['leftover lease', 'leftover snapshot', 'leftover temporary'],
      ['app', 'busybox'],
    ],
    [
      'a container whose record is cut off',
      async () => {
        const id = await sandbox.hawser('create', 'busybox', 'true');
        await writeFile(join(sandbox.root, 'containers', id, 'container.json'), '{"id"');
      },
      ['damage container'],
      ['app', 'busybox'],
    ],
  ];
  for (const [what, damage, finds, left] of damages) {
    it(`${what}: found, repaired, and then all is well`, async () => {
      await damage();
      const found = await fsck();
      const said = told(found.check).map(line => line.replace(/ found$/, ''));
      if (what.includes('snapshot without')) expect(new Set(said)).to.deep.equal(new Set(finds));
      else expect(said.filter(line => !line.includes('leftover build'))).to.deep.equal(finds);
      expect(found.code).to.equal(finds.some(line => line.startsWith('damage')) ? 1 : 0);
      expect((await fsck('--repair')).code).to.equal(0);
      expect((await fsck()).check.problems).to.deep.equal([]);
      expect(await names()).to.deep.equal(left);
      await sandbox.importBusybox();
      await sandbox.hawser('build', '-q', '-t', 'app', 'app');
      expect(await sandbox.hawser('run', '--rm', 'app', 'cat', '/one')).to.equal('one');
    });
  }
});
