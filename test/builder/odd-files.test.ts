import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { summarise } from '../../src/builder/cache/content-digest.ts';
import { hashFile } from '../../src/builder/cache/hash-file.ts';
import type { BuildEnvironment } from '../../src/builder/environment.ts';
import { listSource } from '../../src/builder/execute/copy/list-source.ts';
import type { SourceEntry } from '../../src/builder/execute/copy/source-entry.ts';
import { namesIn } from '../../src/builder/execute/copy/walk-folder.ts';
import { readTar } from '../../src/tar/reader.ts';
import { byteString, byteStringOf } from '../../src/util/byte-string.ts';
import { BuildSandbox, errorOf, Log } from './support.ts';

describe('odd files in a context', () => {
  let sandbox: BuildSandbox;
  beforeEach(async () => {
    sandbox = await BuildSandbox.open();
  });
  afterEach(() => sandbox.close());

  it('names that are not UTF-8 are copied byte for byte, from the context and from a stage', async () => {
    const text = 'FROM scratch AS one\nCOPY d /x\nFROM scratch\nCOPY --from=one /x /y\nCOPY d/b* /z/\n';
    const context = sandbox.context({ 'd/plain': '', Dockerfile: text });
    const names = [Buffer.from([0x62, 0xff, 0xfe]), Buffer.from('b\u00e9'), Buffer.from('b\ufffd')];
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${context}/d/`), name]), 'x');
    const { image } = await sandbox.build(context);
    const found: string[] = [];
    for (const { digest } of image.manifest.value.layers) {
      for await (const { entry } of readTar(sandbox.store.open(digest))) found.push(entry.name);
    }
    const expected = names.map(byteStringOf).sort();
    expect(found).to.deep.equal([
      'y',
      ...[...expected, 'plain'].map(name => `y/${name}`),
      'z',
      ...expected.map(name => `z/${name}`),
    ]);
  });

  it('names that are not UTF-8 can be hidden', async () => {
    const context = sandbox.context({
      'd/a': '',
      '.dockerignore': 'd/b*\n',
      Dockerfile: 'FROM scratch\nCOPY d /x\n',
    });
    writeFileSync(Buffer.concat([Buffer.from(`${context}/d/b`), Buffer.from([0xff])]), 'x');
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, -1)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a']);
  });

  it('links in a circle and links to nothing stay links in a folder', async () => {
    const context = sandbox.context({
      'd/l': { link: 'm' },
      'd/m': { link: 'l' },
      'd/up': { link: '..' },
      Dockerfile: 'FROM scratch\nCOPY d /x\n',
    });
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, -1)).to.deep.equal([
      'd0755 0:0 x',
      'l0777 0:0 x/l -> m',
      'l0777 0:0 x/m -> l',
      'l0777 0:0 x/up -> ..',
    ]);
  });

  it('trap 20: a fifo is copied, and never waited for', async () => {
    const context = sandbox.context({ 'd/a': '', Dockerfile: 'FROM scratch\nCOPY d /x\nADD d/f /g\n' });
    execFileSync('mkfifo', ['-m', '640', `${context}/d/f`]);
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, 0)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a', 'fifo0640 0:0 x/f']);
    expect(await sandbox.layer(image, 1)).to.deep.equal(['fifo0640 0:0 g']);
  });

  it('a file or folder that may not be read is named, and can be hidden', function () {
    if (process.getuid?.() !== 0) this.skip();
    const context = sandbox.context({ 'd/a': 'secret' });
    chmodSync(sandbox.folder, 0o755);
    chmodSync(`${context}/d/a`, 0o600);
    process.seteuid?.(65534);
    try {
      expect(() => hashFile(byteString(`${context}/d/a`)))
        .to.throw(`cannot read ${context}/d/a: EACCES`)
        .with.property('code', 'CONTEXT_INVALID');
      process.seteuid?.(0);
      chmodSync(`${context}/d`, 0o700);
      process.seteuid?.(65534);
      expect(() => namesIn(byteString(`${context}/d`)))
        .to.throw(`cannot read ${context}/d: EACCES`)
        .with.property('remedy', 'Make it readable, or hide it with .dockerignore.');
    } finally {
      process.seteuid?.(0);
    }
  });

  it('a context that is gone or no folder is named', async () => {
    const gone = await errorOf(() => sandbox.build(sandbox.path('gone')));
    expect(gone.code).to.equal('DOCKERFILE_UNKNOWN');
    writeFileSync(sandbox.path('file'), '');
    const dockerfile = Buffer.from('FROM scratch\n');
    const file = await errorOf(() => sandbox.build(sandbox.path('file'), { dockerfile }));
    expect(file).to.include({ code: 'CONTEXT_INVALID' });
  });

  describe('that change while they are read', () => {
    /** Calls `change` once the files were hashed, and before they are copied. */
    const changing = (change: () => void): Partial<BuildEnvironment> => {
      const { openSnapshotter } = sandbox.environment();
      let changed = false;
      return {
        openSnapshotter: async () => {
          if (!changed) change();
          changed = true;
          return openSnapshotter();
        },
      };
    };
    class Warnings extends Log {
      readonly warnings: string[] = [];
      warning(message: string): void {
        this.warnings.push(message);
      }
    }
    const buildWhile = async (context: string, change: () => void) => {
      const log = new Warnings();
      const built = await sandbox.build(context, {}, { ...changing(change), observer: log });
      return { ...built, warnings: log.warnings, steps: log.steps };
    };
    const files = { 'd/a': 'before', 'd/b': 'b', Dockerfile: 'FROM scratch\nCOPY d /x\n' };

    it('go in as they were read last, and the step is not kept under what they were', async () => {
      const context = sandbox.context(files);
      const first = await buildWhile(context, () => writeFileSync(`${context}/d/a`, 'changed!'));
      expect(await sandbox.fileIn(first.image, 'x/a')).to.equal('changed!');
      expect(first.warnings).to.deep.equal([
        'the build context changed while it was read: this step is not kept in the cache',
      ]);
      writeFileSync(`${context}/d/a`, 'before');
      const second = await buildWhile(context, () => undefined);
      expect(await sandbox.fileIn(second.image, 'x/a')).to.equal('before');
      expect(second.steps).to.deep.equal(['done [2/2] COPY d /x']);
      expect(second.warnings).to.deep.equal([]);
      expect((await sandbox.build(context)).log.steps).to.deep.equal(['cached [2/2] COPY d /x']);
    });

    it('do so in the very same size too', async () => {
      const context = sandbox.context(files);
      const { warnings, image } = await buildWhile(context, () => writeFileSync(`${context}/d/a`, 'BEFORE'));
      expect(await sandbox.fileIn(image, 'x/a')).to.equal('BEFORE');
      expect(warnings).to.have.length(1);
    });

    it('may go away, come, and be replaced by a folder', async () => {
      const context = sandbox.context(files);
      const { image, warnings } = await buildWhile(context, () => {
        unlinkSync(`${context}/d/a`);
        mkdirSync(`${context}/d/a`);
        unlinkSync(`${context}/d/b`);
        writeFileSync(`${context}/d/c`, '');
      });
      expect(await sandbox.layer(image, -1)).to.deep.equal(['d0755 0:0 x', 'd0755 0:0 x/a', '-0644 0:0 x/c']);
      expect(warnings).to.have.length(1);
    });

    it('CVE-2019-14271, CVE-2018-15664: a link that takes the place of a file is copied, not followed', async () => {
      const context = sandbox.context(files);
      const { image } = await buildWhile(context, () => {
        unlinkSync(`${context}/d/a`);
        symlinkSync('/etc/passwd', `${context}/d/a`);
      });
      expect(await sandbox.layer(image, -1)).to.include('l0777 0:0 x/a -> /etc/passwd');
    });

    it('may be a log that grows all the time', async () => {
      const context = sandbox.context({ ...files, log: '', Dockerfile: 'FROM scratch\nCOPY . /x\n' });
      const { image } = await buildWhile(context, () => appendFileSync(`${context}/log`, 'line\n'));
      expect(await sandbox.fileIn(image, 'x/log')).to.equal('line\n');
    });
  });

  describe('of a context with very many', () => {
    it('are walked one by one, and never listed', () => {
      const context = sandbox.context({ 'a/1': '', 'b/1': '' });
      const [listing] = listSource({ root: context, owners: 'root' }, { path: '/' }) ?? [];
      const entries = listing?.below()[Symbol.iterator]();
      expect(entries?.next().value?.path).to.equal('a');
      writeFileSync(`${context}/b/2`, '');
      rmSync(`${context}/b/1`);
      const rest: string[] = [];
      for (let next = entries?.next(); next?.done === false; next = entries?.next())
        rest.push(next.value.path);
      expect(rest).to.deep.equal(['a/1', 'b', 'b/2']);
    });

    it('let others have their turn while they are hashed', async () => {
      const count = 200_000;
      const base = { location: byteString(''), mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 1, ctime: 1 };
      const top: SourceEntry = { ...base, type: 'folder', path: byteString(''), ino: 0 };
      function* below(): Generator<SourceEntry> {
        for (let ino = 1; ino <= count; ino++) {
          yield { ...base, type: 'file', path: byteString(`folder/file-${ino}`), ino };
        }
      }
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      try {
        const listing = { name: byteString('d'), top, below };
        const summary = await summarise([listing], { digestOf: () => 'digest' });
        expect(summary).to.include({ entries: count + 1, size: count + 1 });
        expect(turns).to.be.greaterThan(0);
      } finally {
        clearInterval(timer);
      }
    });
  });
});
