import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';

/** Which modules a module may import, besides itself: ARCHITECTURE.md, "Imports point down". */
const base = ['errors', 'util'];
const pure = [...base, 'image', 'distribution', 'tar', 'api'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  util: ['errors'],
  image: base,
  distribution: [...base, 'image'],
  tar: [...base, 'image'],
  api: [...base, 'image'],
  content: pure,
  layers: [...pure, 'content'],
  'registry-client': [...pure, 'content'],
  'registry-server': [...pure, 'content'],
  runtime: [...pure, 'content', 'layers'],
  builder: [...pure, 'content', 'layers', 'registry-client', 'runtime'],
  orchestrator: [...pure, 'content', 'layers', 'registry-client', 'runtime'],
  cli: [
    ...pure,
    'content',
    'layers',
    'registry-client',
    'registry-server',
    'runtime',
    'builder',
    'orchestrator',
  ],
};
const everything = [...Object.keys(allowed), 'commands'];

/** Packages that may be imported in `http/` folders only. */
const httpPackages = new Set(['express', 'multer', 'ws']);

interface Import {
  readonly file: string;
  readonly target: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join('src', file), 'utf8');
  const pattern = /(?:from|import)\s*\(?\s*'([^']+)'/g;
  return [...text.matchAll(pattern)].map(match => ({ file, target: match[1] ?? '' }));
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
const imports = files.flatMap(importsOf);
const moduleOf = (path: string) => path.split('/')[0] ?? '';

describe('architecture: imports', () => {
  it('names every folder of src/', () => {
    expect([...new Set(files.map(moduleOf))].filter(name => !everything.includes(name))).to.deep.equal([]);
  });

  it('points down only', () => {
    const wrong = imports
      .filter(({ target }) => target.startsWith('.'))
      .map(({ file, target }) => ({ file, to: normalize(join(dirname(file), target)) }))
      .filter(({ to }) => !to.startsWith('..'))
      .filter(({ file, to }) => {
        const from = moduleOf(file);
        return from !== moduleOf(to) && from !== 'commands' && !(allowed[from] ?? []).includes(moduleOf(to));
      })
      .map(({ file, to }) => `${file} → ${to}`);
    expect(wrong).to.deep.equal([]);
  });

  it('keeps HTTP frameworks in http/ folders', () => {
    const wrong = imports
      .filter(({ file, target }) => httpPackages.has(target) && !file.includes('/http/'))
      .map(({ file, target }) => `${file} → ${target}`);
    expect(wrong).to.deep.equal([]);
  });

  it('loads native code in util/syscalls.ts only', () => {
    const wrong = imports.filter(({ file, target }) => target === 'koffi' && file !== 'util/syscalls.ts');
    expect(wrong.map(({ file }) => file)).to.deep.equal([]);
  });

  it('has no barrels', () => {
    expect(files.filter(name => /(^|\/)index\.ts$/.test(name))).to.deep.equal([]);
  });
});
