import { readFileSync, utimesSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Sandbox } from './support/sandbox.ts';

interface Row {
  readonly ID: string;
  readonly Type: string;
  readonly Description: string;
  readonly Size: number;
  readonly Shared: boolean;
  readonly Reclaimable: boolean;
}

const dockerfile = [
  'FROM busybox AS build',
  'RUN head -c 3000000 /dev/zero > /three',
  'RUN --mount=type=cache,target=/kept head -c 700000 /dev/zero > /kept/file; head -c 2000000 /dev/zero > /two; echo > /more',
  'FROM busybox',
  'COPY --from=build /two /two',
  '',
];

describe('builder', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile.join('\n') });
    await sandbox.hawser('build', '-q', '-t', 'app', 'app');
  });
  afterEach(async () => {
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts).to.deep.equal([]);
  });

  const du = async (): Promise<Row[]> => {
    const lines = (await sandbox.hawser('builder', 'du', '--format', 'json')).split('\n');
    return lines.filter(line => line !== '').map(line => JSON.parse(line));
  };
  const total = (rows: readonly Row[]) => rows.reduce((sum, { Size }) => sum + Size, 0);
  const prune = (...flags: string[]) => sandbox.hawser('builder', 'prune', '-f', ...flags);
  const blobBytes = async () => {
    const folder = join(sandbox.root, 'images/blobs/sha256');
    const sizes = await Promise.all(
      (await readdir(folder)).map(async name => (await stat(join(folder, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const built = async () => (await sandbox.try(['build', '--progress', 'plain', 'app'])).stderr;

  it('du counts each byte once, and those of an image not at all', async () => {
    const rows = await du();
    const steps = rows.filter(({ Type }) => Type === 'step');
    expect(steps.map(({ Shared }) => Shared).sort()).to.deep.equal([false, false, true]);
    // A layer and its unpacked files each, and what the second stands on only once.
    const [two, three] = ['/two', '/three'].map(
      path => steps.find(({ Shared, Description }) => !Shared && Description.includes(path))?.Size ?? 0,
    );
    expect(two).to.be.within(4_000_000, 4_100_000);
    expect(three).to.be.within(6_000_000, 6_100_000);
    expect(steps.find(({ Shared }) => Shared)?.Size).to.equal(0);
    const mount = rows.find(({ Type }) => Type === 'cache mount');
    expect(mount?.Size).to.be.within(700_000, 720_000);
    expect(await sandbox.hawser('builder', 'du')).to.match(/^Reclaimable: .*\nTotal: .*$/m);
  });

  it('du and system df tell the same', async () => {
    await sandbox.hawser('image', 'rm', 'app'); // what it shared counts with the steps now
    const rows = await du();
    const groups = (await sandbox.hawser('system', 'df', '--format', 'json')).split('\n');
    const group = groups.map(line => JSON.parse(line)).find(({ Type }) => Type === 'Build Cache');
    expect(group).to.include({
      TotalCount: rows.length,
      Size: total(rows),
      Reclaimable: total(rows.filter(({ Reclaimable }) => Reclaimable)),
    });
    expect(group.Size).to.be.greaterThan(10_000_000);
  });

  it('a build keeps to HAWSER_BUILDER_KEEP_STORAGE by itself, and what was used last', async () => {
    const env = (limit: string) => ({ env: { ...sandbox.env, HAWSER_BUILDER_KEEP_STORAGE: limit } });
    const steps = join(sandbox.root, 'build-cache/steps');
    for (const row of await readdir(steps)) utimesSync(join(steps, row), 1000, 1000);
    await sandbox.write({ 'next/Dockerfile': 'FROM busybox\nRUN head -c 1000000 /dev/zero > /one\n' });
    const archive = ['build', '-q', '--output', 'type=tar,dest=out.tar', 'next'];
    expect((await sandbox.try(archive, env('4MB'))).code).to.equal(0);
    expect(total(await du())).to.be.at.most(4_000_000);
    const left = async () => (await du()).flatMap(row => (row.Shared ? [] : [row.Description])).join('\n');
    expect(await left())
      .to.include('/one')
      .and.not.include('/two');
    // Nothing was added, so nothing is looked at; and what is over a lower limit goes.
    expect((await sandbox.try(archive, env('4MB'))).code).to.equal(0);
    expect(await left()).to.include('/one');
    expect((await sandbox.try(archive, env('1kB'))).code).to.equal(0);
    expect(await left()).not.to.include('/one');
    const wrong = await sandbox.try(archive, env('much'));
    expect([wrong.code, wrong.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('HAWSER_BUILDER_KEEP_STORAGE'),
    );
  });

  it('prune frees what du says, from the disk, and leaves the image', async () => {
    const before = { rows: await du(), bytes: await blobBytes() };
    const said = await prune();
    const freed = total(before.rows);
    expect(said).to.contain(`Total reclaimed space: ${(freed / 1e6).toPrecision(3).replace(/\.?0+$/, '')}MB`);
    expect(before.bytes - (await blobBytes())).to.be.within(5_000_000, 5_100_000);
    expect(total(await du())).to.equal(0);
    expect(await sandbox.hawser('run', '--rm', 'app', 'stat', '-c', '%s', '/two')).to.equal('2000000');
    await sandbox.hawser('system', 'fsck');
  });

  it('prune --all takes the results of steps that an image has, too', async () => {
    await prune();
    expect((await du()).filter(({ Type }) => Type === 'step')).to.have.length(1);
    await prune('--all');
    expect(await du()).to.deep.equal([]);
    expect(await built()).not.to.contain('CACHED');
  });

  it('prune --keep-storage takes the longest unused first, the top of a stack before what it stands on', async () => {
    await sandbox.write({
      'next/Dockerfile': 'FROM busybox\nRUN head -c 1000000 /dev/zero > /one\nRUN echo\n',
    });
    await sandbox.hawser('build', '-q', '--output', 'type=tar,dest=out.tar', 'next');
    // The first build was long ago.
    const steps = join(sandbox.root, 'build-cache/steps');
    for (const row of await readdir(steps)) {
      const file = join(steps, row);
      const text = readFileSync(file, 'utf8');
      if (!text.includes('/one') && !text.includes('RUN echo')) utimesSync(file, 1000, 1000);
    }
    await prune('--keep-storage', '9.5MB');
    const descriptions = () =>
      du().then(rows => rows.filter(row => row.Type === 'step' && !row.Shared).map(row => row.Description));
    expect(total(await du())).to.be.at.most(9_500_000);
    expect((await descriptions()).some(text => text.includes('/two'))).to.equal(false);
    expect((await descriptions()).some(text => text.includes('/three'))).to.equal(true);
    await prune('--max-used-space', '3MB', '--reserved-space', '1MB');
    expect(total(await du())).to.be.at.most(3_000_000);
    expect((await descriptions()).some(text => text.includes('/one'))).to.equal(true);
  });

  it('prune --filter leaves what was used since', async () => {
    const before = total(await du());
    expect(await prune('--filter', 'until=1h')).to.equal('Total reclaimed space: 0B');
    expect(total(await du())).to.equal(before);
    await prune('--filter', 'until=0');
    expect(total(await du())).to.equal(0);
  });

  it('prune asks, and refuses what it does not know', async () => {
    expect((await sandbox.try(['builder', 'prune'])).code).to.equal(1);
    for (const flags of [
      ['--filter', 'label=x'],
      ['--filter', 'until=soon'],
      ['--keep-storage', 'much'],
      ['--min-free-space', '-1'],
    ]) {
      expect((await sandbox.try(['builder', 'prune', '-f', ...flags])).code, flags.join(' ')).to.equal(2);
    }
    expect(total(await du())).to.be.greaterThan(0);
  });

  it('prunes beside a build that runs, which ends well and can be cached', async () => {
    const lines = [
      'FROM busybox',
      ...Array.from({ length: 12 }, (_, index) => `RUN sleep 0.2; echo ${index} > /f${index}`),
      '',
    ];
    await sandbox.write({ 'app/Dockerfile': lines.join('\n') });
    const state = { running: true };
    const building = sandbox.try(['build', '-t', 'app', 'app']).finally(() => {
      state.running = false;
    });
    let rounds = 0;
    for (; state.running; rounds++) await prune('--all');
    expect((await building).code).to.equal(0);
    expect(rounds).to.be.greaterThan(1);
    expect(await sandbox.hawser('run', '--rm', 'app', 'sh', '-c', 'cat /f0 /f11')).to.equal('0\n11');
    await sandbox.hawser('build', '-q', 'app');
    await sandbox.hawser('system', 'fsck');
  });
});
