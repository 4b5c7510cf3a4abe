import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { tarEntry } from '../../src/tar/entry.ts';
import { tarItem } from '../../src/tar/writer.ts';
import { byteString, byteStringOf, textOf } from '../../src/util/byte-string.ts';
import { archiveOf, membersOf, type ReadMember } from './support.ts';

const longName = `${'long-'.repeat(15)}/${'name-'.repeat(30)}end`;

/** A tree with what archives know to hold; returns its folder. */
function writeTree(folder: string): void {
  mkdirSync(join(folder, longName, '..'), { recursive: true });
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'file'), 'content\n');
  chmodSync(join(folder, 'file'), 0o4755);
  writeFileSync(join(folder, longName), 'long\n');
  writeFileSync(join(folder, 'é-ü'), 'utf8\n');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x62, 0xff, 0x61])]), 'bytes\n');
  linkSync(join(folder, 'file'), join(folder, 'hard'));
  symlinkSync('x'.repeat(150), join(folder, 'symlink'));
  utimesSync(join(folder, 'file'), 1_000_000_000.25, 1_000_000_000.25);
  const sparse = openSync(join(folder, 'sparse'), 'w');
  for (const at of [0, 1_000_000, 2_000_000]) writeSync(sparse, Buffer.alloc(5000, 0x61), 0, 5000, at);
  ftruncateSync(sparse, 3_000_000);
  closeSync(sparse);
}

function run(command: readonly string[], cwd?: string): string {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'latin1', cwd, maxBuffer: 1 << 26 });
  if (result.error !== undefined || result.status !== 0) {
    throw new Error(`${command.join(' ')}: ${result.stderr}`, { cause: result.error });
  }
  return result.stdout;
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

interface Writer {
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
  /** What the format cannot hold. */
  readonly loses?: readonly string[];
}

const python = (format: string) => [
  '-c',
  `import sys,tarfile
with tarfile.open(sys.argv[1],'w',format=tarfile.${format}) as t: t.add('.')`,
];
const writers: readonly Writer[] = [
  { title: 'GNU tar --format=gnu', program: 'tar', args: ['--format=gnu', '-cf', 'ARCHIVE', '.'] },
  {
    title: 'GNU tar --format=gnu --sparse',
    program: 'tar',
    args: ['--format=gnu', '--sparse', '-cf', 'ARCHIVE', '.'],
  },
  { title: 'GNU tar --format=pax', program: 'tar', args: ['--format=pax', '-cf', 'ARCHIVE', '.'] },
  ...['0.0', '0.1', '1.0'].map(version => ({
    title: `GNU tar --format=pax --sparse-version=${version}`,
    program: 'tar',
    args: ['--format=pax', '--sparse', `--sparse-version=${version}`, '-cf', 'ARCHIVE', '.'],
  })),
  {
    title: 'GNU tar --format=ustar',
    program: 'tar',
    args: ['--format=ustar', '--exclude=symlink', '--exclude=long-*', '-cf', 'ARCHIVE', '.'],
    loses: ['symlink', longName],
  },
  {
    title: 'GNU tar --format=v7',
    program: 'tar',
    args: ['--format=v7', '--exclude=symlink', '--exclude=long-*', '-cf', 'ARCHIVE', '.'],
    loses: ['symlink', longName],
  },
  { title: 'bsdtar --format=pax', program: 'bsdtar', args: ['--format=pax', '-cf', 'ARCHIVE', '.'] },
  { title: 'bsdtar --format=gnutar', program: 'bsdtar', args: ['--format=gnutar', '-cf', 'ARCHIVE', '.'] },
  { title: 'Python PAX_FORMAT', program: 'python3', args: [...python('PAX_FORMAT'), 'ARCHIVE'] },
  { title: 'Python GNU_FORMAT', program: 'python3', args: [...python('GNU_FORMAT'), 'ARCHIVE'] },
];

describe('tar beside other programs', () => {
  let folder: string;
  let archive: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-tar-'));
    archive = join(folder, 'archive.tar');
    mkdirSync(join(folder, 'tree'));
    writeTree(join(folder, 'tree'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const { title, program, args, loses = [] } of writers) {
    it(`reads ${title}`, async function () {
      if (!has(program)) return void this.skip();
      run([program, ...args.map(arg => (arg === 'ARCHIVE' ? archive : arg))], join(folder, 'tree'));
      const members = await membersOf(readFileSync(archive), 700);
      const byName = new Map<string, ReadMember>(
        members.map(member => [member.entry.name.replace(/^\.\//, ''), member]),
      );
      const content = (name: string) => byName.get(name)?.content.toString('latin1');
      // Of `file` and `hard` the first in the folder's order is the file, the other the link.
      const [plain, link] = ['file', 'hard']
        .map(name => byName.get(name))
        .sort(member => (member?.entry.type === 'file' ? -1 : 1));
      expect(plain?.content.toString()).to.equal('content\n');
      expect(plain?.entry.mode).to.equal(0o4755);
      expect(plain?.entry.mtime.seconds).to.equal(1_000_000_000);
      expect(link?.entry.type).to.equal('link');
      expect(link?.entry.linkname.replace(/^\.\//, '')).to.equal(plain?.entry.name.replace(/^\.\//, ''));
      expect(byName.get('empty')?.entry.type).to.equal('directory');
      expect(content(byteString('é-ü'))).to.equal('utf8\n');
      expect(content('b\xffa')).to.equal('bytes\n');
      if (!loses.includes(longName)) expect(content(longName)).to.equal('long\n');
      if (!loses.includes('symlink')) expect(byName.get('symlink')?.entry.linkname).to.equal('x'.repeat(150));
      const sparse = byName.get('sparse')?.content ?? Buffer.alloc(0);
      expect(sparse.equals(readFileSync(join(folder, 'tree/sparse')))).to.equal(true);
    });
  }

  const written = async () => {
    const mtime = { seconds: 1_000_000_000, nanoseconds: 250_000_000 };
    const items = [
      { entry: tarEntry({ type: 'directory', name: byteString('d'), mode: 0o1777 }) },
      tarItem(
        tarEntry({ type: 'file', name: byteString('d/file'), mode: 0o4755, mtime }),
        Buffer.from('abc'),
      ),
      tarItem(tarEntry({ type: 'file', name: byteString(`d/${longName}`) }), Buffer.from('long')),
      tarItem(tarEntry({ type: 'file', name: byteString(`d/${'é'.repeat(100)}`) }), Buffer.from('utf8')),
      tarItem(
        tarEntry({ type: 'file', name: byteStringOf(Buffer.from('d/b\xffa', 'latin1')) }),
        Buffer.from('bytes'),
      ),
      tarItem(
        tarEntry({
          type: 'file',
          name: byteString('d/old'),
          mtime: { seconds: -5, nanoseconds: 500_000_000 },
        }),
        Buffer.from('o'),
      ),
      tarItem(
        tarEntry({ type: 'file', name: byteString('d/owner'), uid: 3_000_000, gid: 4_000_000_000 }),
        Buffer.from('o'),
      ),
      { entry: tarEntry({ type: 'link', name: byteString('d/hard'), linkname: byteString('d/file') }) },
      {
        entry: tarEntry({
          type: 'symlink',
          name: byteString('d/symlink'),
          linkname: byteString('y'.repeat(150)),
          mode: 0o777,
        }),
      },
      { entry: tarEntry({ type: 'fifo', name: byteString('d/fifo') }) },
      { entry: tarEntry({ type: 'character-device', name: byteString('d/null'), devmajor: 1, devminor: 3 }) },
    ];
    writeFileSync(archive, await archiveOf(items));
    return items;
  };

  it('GNU tar lists what we write', async () => {
    const items = await written();
    const lines = run(['tar', '--quoting-style=literal', '--numeric-owner', '--full-time', '-tvf', archive])
      .trimEnd()
      .split('\n');
    expect(lines).to.have.length(items.length);
    expect(lines[0]).to.match(/^drwxrwxrwt 0\/0 .* d\/$/);
    expect(lines[1]).to.match(/^-rwsr-xr-x 0\/0 +3 .*:40\.25 +d\/file$/);
    expect(lines[2]).to.contain(`d/${longName}`);
    expect(lines[4]).to.contain('d/b\xffa');
    // tar -t shows times before 1970 wrong, tar -x does not.
    run(['tar', '-xf', archive, '-C', folder, 'd/old']);
    expect(statSync(join(folder, 'd/old')).mtimeMs).to.equal(-4500);
    expect(lines[6]).to.contain('3000000/4000000000');
    expect(lines[7]).to.match(/ d\/hard link to d\/file$/);
    expect(lines[10]).to.match(/^c.* 1,3 /);
  });

  it('bsdtar lists what we write', async function () {
    if (!has('bsdtar')) return void this.skip();
    const items = await written();
    const lines = run(['bsdtar', '-tvf', archive]).trimEnd().split('\n');
    expect(lines).to.have.length(items.length);
    expect(lines[2]).to.contain(`d/${longName}`);
    expect(lines[6]).to.match(/3000000 +4000000000/);
  });

  it('Python reads what we write', async function () {
    if (!has('python3')) return void this.skip();
    const items = await written();
    const code = `import sys,tarfile,json,os
print(json.dumps([[os.fsencode(m.name).decode('latin1'),m.uid,m.gid,m.mtime,m.linkname,m.mode] for m in tarfile.open(sys.argv[1])]))`;
    const rows = JSON.parse(run(['python3', '-c', code, archive])) as (string | number)[][];
    expect(rows.map(row => row[0])).to.deep.equal(items.map(({ entry }) => entry.name));
    expect(rows[5]?.[3]).to.equal(-4.5);
    expect(rows[6]?.slice(1, 3)).to.deep.equal([3_000_000, 4_000_000_000]);
    expect(rows[8]?.[4]).to.equal('y'.repeat(150));
  });

  it('carries attributes to and from GNU tar', async function () {
    const item = tarItem(
      tarEntry({
        type: 'file',
        name: byteString('attributes'),
        xattrs: new Map([['user.x', Buffer.from([1, 0, 255, 10])]]),
      }),
      Buffer.from('x'),
    );
    writeFileSync(archive, await archiveOf([item]));
    try {
      run(['tar', '--xattrs', '-xf', archive, '-C', folder]);
      run(['tar', '--xattrs', '--format=pax', '-cf', archive, '-C', folder, 'attributes']);
    } catch (error) {
      console.log(`      skipped: ${String(error)}`);
      return void this.skip();
    }
    const [member] = await membersOf(readFileSync(archive));
    expect(textOf(member?.entry.name ?? byteString(''))).to.equal('attributes');
    expect(Buffer.from(member?.entry.xattrs.get('user.x') ?? []).toString('hex')).to.equal('0100ff0a');
  });
});
