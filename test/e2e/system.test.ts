import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { MachinePart } from '../../src/cli/examine-machine.ts';
import { Sandbox } from './support/sandbox.ts';

interface Row {
  readonly Type: string;
  readonly TotalCount: number;
  readonly Active: number;
  readonly Size: number;
  readonly Reclaimable: number;
}

describe('system', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
  });
  after(() => sandbox.dispose());

  const usage = async () => {
    const lines = (await sandbox.hawser('system', 'df', '--format', 'json')).split('\n');
    return new Map(lines.map(line => JSON.parse(line) as Row).map(row => [row.Type, row]));
  };

  it('df counts what there is, and prune frees what df calls reclaimable', async () => {
    await sandbox.write({
      'app/Dockerfile': 'FROM busybox\nRUN head -c 3000000 /dev/urandom > /noise\n',
    });
    await sandbox.hawser('build', '-q', '-t', 'app', 'app');
    await sandbox.hawser(
      'run',
      '--name',
      'ended',
      '-v',
      'data:/data',
      'busybox',
      'sh',
      '-c',
      'echo x > /data/x',
    );
    await sandbox.hawser('run', '--name', 'anonymous', '-v', '/scratch', 'busybox', 'true');
    const before = await usage();
    expect([...before.keys()]).to.deep.equal([
      'Images',
      'Containers',
      'Local Volumes',
      'Snapshots',
      'Build Cache',
    ]);
    expect(before.get('Images')).to.include({ TotalCount: 2, Active: 1 });
    expect(before.get('Containers')).to.include({ TotalCount: 2, Active: 0 });
    expect(before.get('Local Volumes')).to.include({ TotalCount: 2, Active: 2, Reclaimable: 0 });
    const images = before.get('Images') as Row;
    // What the base shares with the container's image stays.
    expect(images.Reclaimable).to.be.within(3_000_000, 3_100_000);
    expect(images.Size - images.Reclaimable).to.be.greaterThan(500_000);
    expect(await sandbox.hawser('system', 'df')).to.match(
      /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +2 /,
    );
    expect(await sandbox.hawser('system', 'df', '-v')).to.match(/^Images:\n(.*\n)*app:latest +\S+MB +no\n/);

    const refused = await sandbox.try(['system', 'prune']);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/--force/);

    expect(await sandbox.hawser('system', 'prune', '-f')).to.match(
      /^Deleted Containers:\n[0-9a-f]{64}\n[0-9a-f]{64}\n\nTotal reclaimed space: /,
    );
    expect(await sandbox.hawser('image', 'ls', '-q', 'app')).not.to.equal('');
    expect((await usage()).get('Local Volumes')).to.include({ TotalCount: 2, Active: 0 });

    await sandbox.hawser('create', '--name', 'keeper', 'busybox', 'true');
    expect(await sandbox.hawser('system', 'prune', '-f', '-a')).to.match(
      /Untagged: docker\.io\/library\/app:latest\n\nTotal reclaimed space: [3-9](\.\d+)?MB$/,
    );
    const after = await usage();
    expect(after.get('Images')).to.include({ TotalCount: 1, Active: 1, Reclaimable: 0 });
    expect(after.get('Build Cache')).to.include({ TotalCount: 0, Size: 0 });
    expect(after.get('Local Volumes')).to.include({ TotalCount: 2 });
    expect(await sandbox.hawser('system', 'fsck')).to.match(/All is well\.$/);
  });

  it('prune takes what fsck has set aside', async () => {
    await writeFile(join(sandbox.root, 'images/blobs/sha256/stray'), 'x');
    await sandbox.hawser('system', 'fsck', '--repair');
    expect(existsSync(join(sandbox.root, 'images-state/quarantine'))).to.equal(true);
    await sandbox.hawser('system', 'prune', '-f');
    expect(existsSync(join(sandbox.root, 'images-state/quarantine'))).to.equal(false);
  });

  it('doctor and info say what was chosen', async () => {
    const parts = JSON.parse(await sandbox.hawser('system', 'doctor', '--format', 'json')) as MachinePart[];
    expect(parts.filter(({ state }) => state === 'missing')).to.deep.equal([]);
    expect(parts.map(({ part }) => part)).to.include.members(['snapshotter', 'runtime', 'network', 'conmon']);
    const snapshotter = parts.find(({ part }) => part === 'snapshotter')?.choice;
    expect(await sandbox.hawser('system', 'info', '--format', '{{.Driver}} {{.Images}}')).to.equal(
      `${snapshotter} 1`,
    );
  });

  it('doctor names the package of a missing part, and ends with 1', async () => {
    const env = { ...sandbox.env, HAWSER_RUNTIME: 'no-such-runtime', CNI_PATH: '/nowhere' };
    const { code, stdout } = await sandbox.try(['system', 'doctor'], { env });
    expect(code).to.equal(1);
    expect(stdout).to.match(/^runtime +missing +none +no-such-runtime is not installed/m);
    expect(stdout).to.match(/^isolation of RUN +limited +chroot /m);
    expect(stdout).to.match(/^network: apt-get install containernetworking-plugins iptables$/m);
  });
});
