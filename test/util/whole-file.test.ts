import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createWholeFile, writeWholeFile } from '../../src/util/whole-file.ts';

describe('util/whole-file', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-whole-'));
    path = join(folder, 'file');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Looks at the folder in the middle of the writing. */
  async function* pieces(names: string[], failure?: Error): AsyncGenerator<Buffer> {
    yield Buffer.alloc(3_000_000, 1);
    names.push(...readdirSync(folder));
    if (failure !== undefined) throw failure;
    yield Buffer.from('end');
  }

  it('has no name until it is whole, so that a killed process leaves none', async () => {
    const names: string[] = [];
    await writeWholeFile(path, pieces(names));
    expect(names).to.deep.equal([]);
    expect(readdirSync(folder)).to.deep.equal(['file']);
    expect(readFileSync(path).length).to.equal(3_000_003);
  });

  it('replaces what was there, and only then', async () => {
    writeFileSync(path, 'old');
    const failure = new Error('broken off');
    const error: unknown = await writeWholeFile(path, pieces([], failure)).catch((thrown: unknown) => thrown);
    expect(error).to.equal(failure);
    expect(readFileSync(path, 'utf8')).to.equal('old');
    expect(readdirSync(folder)).to.deep.equal(['file']);
    await writeWholeFile(path, pieces([]));
    expect(readFileSync(path).length).to.equal(3_000_003);
  });

  it('writes into a device, and never in its place', async () => {
    symlinkSync('/dev/null', path);
    await writeWholeFile(path, pieces([]));
    expect(readdirSync(folder, { withFileTypes: true }).map(entry => entry.isSymbolicLink())).to.deep.equal([
      true,
    ]);
  });

  it('makes a small file at once, where there is none', () => {
    expect(createWholeFile(join(folder, 'missing/file'), 'text')).to.equal(false);
    expect(createWholeFile(path, 'text')).to.equal(true);
    expect(createWholeFile(path, 'other')).to.equal(false);
    expect(readdirSync(folder)).to.deep.equal(['file']);
    expect(readFileSync(path, 'utf8')).to.equal('text');
  });

  it('refuses a folder', async () => {
    mkdirSync(path);
    const error: unknown = await writeWholeFile(path, pieces([])).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'EISDIR');
  });
});
