import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageFiles } from '../../src/builder/attest/sbom/image-files.ts';
import { SqliteFile } from '../../src/builder/attest/sbom/sqlite.ts';

const parts = Array.from({ length: 60 }, (_, index) => `part${index + 1}`);

/** Packages of all sizes: their headers fill a part of a page, a page, and many. */
function spec(): string {
  const part = (name: string, index: number) => `
%package -n ${name}
Summary: Part
License: ${index % 2 === 0 ? 'MIT' : 'GPL-2.0-or-later WITH Classpath-exception-2.0'}
${index === 29 ? 'Epoch: 4\nVersion: 7~rc1' : ''}
%description -n ${name}
${'x'.repeat(index * 90)}
%files -n ${name}
/parts/${name}
`;
  return `
Name: top
Version: 1.2
Release: 3
Summary: The first
License: MIT
Vendor: Somebody <s@example.com>
BuildArch: noarch
%description
Top.
%files
%package -n huge
Summary: Many files
%description -n huge
Many.
%files -n huge
/many
${parts.map(part).join('')}
%install
mkdir -p %{buildroot}/parts %{buildroot}/many
cd %{buildroot}/parts && touch ${parts.join(' ')}
cd %{buildroot}/many && seq -f a-file-with-a-long-name-%%g 2000 | xargs touch
`;
}

function must(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}\n${stderr}`);
  return stdout;
}

const rpm = (root: string, ...args: readonly string[]) =>
  must('rpm', ['--dbpath', join(root, 'var/lib/rpm'), ...args]);

/** Packages that rpmbuild makes, and their installation into a root, in its database alone. */
export function makeRpms() {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-rpm-'));
  writeFileSync(join(folder, 'top.spec'), spec());
  const define = (text: string) => ['--define', text];
  must('rpmbuild', [
    '--quiet',
    ...define(`_topdir ${folder}`),
    ...define('__os_install_post %{nil}'),
    ...define('_binary_payload w1.gzdio'),
    '-bb',
    join(folder, 'top.spec'),
  ]);
  const made = join(folder, 'RPMS/noarch');
  return {
    install(root: string, names?: readonly string[]): void {
      const files = readdirSync(made).filter(
        file => names === undefined || names.some(name => file.startsWith(`${name}-`)),
      );
      rpm(root, '-i', '--justdb', '--nodeps', ...files.map(file => join(made, file)));
    },
    remove(root: string, names: readonly string[]): void {
      rpm(root, '-e', '--justdb', '--nodeps', ...names);
    },
    close(): void {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `name|version-release|arch|license|vendor|epoch|source` of each. */
export function installedPackages(root: string): readonly string[] {
  const tags = ['NAME', 'VERSION', 'ARCH', 'LICENSE', 'VENDOR', 'EPOCH', 'SOURCERPM'];
  const format = tags.map(tag => (tag === 'VERSION' ? '%{VERSION}-%{RELEASE}' : `%{${tag}}`)).join('|');
  return rpm(root, '-qa', '--qf', `${format.replace('%{EPOCH}', '%|EPOCH?{%{EPOCH}}:{}|')}\n`)
    .trim()
    .split('\n')
    .toSorted();
}

function headersIn(root: string): readonly Buffer[] {
  const file = new ImageFiles(root).open('var/lib/rpm/rpmdb.sqlite');
  if (file === undefined) throw new Error('there is no database');
  try {
    return [...new SqliteFile(file).rows('Packages')].flatMap(([, blob]) =>
      Buffer.isBuffer(blob) ? [Buffer.from(blob)] : [],
    );
  } finally {
    file.close();
  }
}

/** The packages of a root in the Berkeley DB of older rpms, which Debian's rpm reads no more: by the database's own program. */
export function writeBerkeleyDb(root: string, path: string, order: 'little' | 'big'): void {
  const count = Buffer.alloc(4);
  const line = (bytes: Buffer) => ` ${bytes.toString('hex')}\n`;
  const key = (index: number) => {
    if (order === 'little') count.writeUInt32LE(index);
    else count.writeUInt32BE(index);
    return line(count);
  };
  const headers = headersIn(root);
  const pairs = headers.map((header, index) => key(index + 1) + line(header));
  const meta = `VERSION=3\nformat=bytevalue\ntype=hash\nh_nelem=10\ndb_pagesize=4096\ndb_lorder=${order === 'little' ? 1234 : 4321}\nHEADER=END\n`;
  const input = `${meta}${key(0)}${key(headers.length)}${pairs.join('')}DATA=END\n`;
  const { status, stderr } = spawnSync('db5.3_load', [path], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`db5.3_load: exit ${status}\n${stderr}`);
}

const words = (...values: readonly (number | string)[]): Buffer =>
  Buffer.concat(
    values.map(value => {
      const bytes = Buffer.alloc(4);
      if (typeof value === 'string') bytes.write(value, 'latin1');
      else bytes.writeUInt32LE(value);
      return bytes;
    }),
  );

const [PAGE, SLOT, BLOCK, TAIL] = [4096, 16, 16, 12];

/** The packages of a root in rpm's own database, which Debian's rpm does not write: lib/backend/ndb/rpmpkg.c. */
export function ndbOf(root: string): Buffer {
  const headers = headersIn(root);
  const slotPages = Math.ceil((2 + headers.length + 1) / (PAGE / SLOT)) + 1;
  const slots = [words('RpmP', 0, 1, slotPages, headers.length + 1, 0, 0, 0)];
  const blobs: Buffer[] = [];
  // One whose package is gone.
  slots.push(words('Slot', 0, 0, 0));
  let block = (slotPages * PAGE) / BLOCK;
  for (const [index, header] of headers.entries()) {
    const size = Math.ceil((16 + header.length + TAIL) / BLOCK) * BLOCK;
    const padding = Buffer.alloc(size - 16 - header.length - TAIL);
    const tail = words(0, header.length, 'BlbE');
    blobs.push(words('BlbS', index + 1, 1, header.length), header, padding, tail);
    slots.push(words('Slot', index + 1, block, size / BLOCK));
    block += size / BLOCK;
  }
  const used = Buffer.concat(slots);
  const free = Array.from({ length: (slotPages * PAGE - used.length) / SLOT }, () => words('Slot', 0, 0, 0));
  return Buffer.concat([used, ...free, ...blobs]);
}
