import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { fixDockerfile, lintDockerfile } from '../../../../src/builder/dockerfile/lint/lint.ts';
import { loadForLint } from '../../../../src/builder/load-for-lint.ts';
import { lintLines } from '../../../../src/cli/lint-output.ts';

/*
 * fixtures/lint/<case>/: a Dockerfile, what is printed for it, and what --fix makes of it where that is something else.
 * files.json has the other files of the context, options.json the target and build arguments. UPDATE_GOLDEN=1 writes
 * what is expected anew.
 */

const folder = join(import.meta.dirname, '../../../../fixtures/lint');
const update = process.env.UPDATE_GOLDEN === '1';

interface Options {
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
}

function readJson<T>(path: string, fallback: T): T {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : fallback;
}

/** Writes the context of a case to a folder of its own. */
function contextOf(name: string): string {
  const context = mkdtempSync(join(tmpdir(), 'hawser-lint-'));
  const files = readJson<Readonly<Record<string, string>>>(join(folder, name, 'files.json'), {});
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), content);
  }
  writeFileSync(join(context, 'Dockerfile'), readFileSync(join(folder, name, 'Dockerfile')));
  return context;
}

function expectText(path: string, text: string | undefined): void {
  if (update && text === undefined) rmSync(path, { force: true });
  else if (update) writeFileSync(path, text ?? '');
  expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).to.equal(text);
}

describe('image lint', () => {
  for (const name of readdirSync(folder)) {
    describe(name, () => {
      let context: string;
      let loaded: Awaited<ReturnType<typeof loadForLint>>;
      before(async () => {
        context = contextOf(name);
        const { target, buildArgs = {} } = readJson<Options>(join(folder, name, 'options.json'), {});
        loaded = await loadForLint(context, { target, buildArgs });
      });
      after(() => rmSync(context, { recursive: true }));

      it('finds what is expected', () => {
        const { text, file, options } = loaded;
        const lines = lintLines({ text, file, ...lintDockerfile(text, options) });
        expectText(join(folder, name, 'expected.txt'), `${lines.join('\n')}\n`);
      });

      it('shows the mended text of each', () => {
        const { findings } = lintDockerfile(loaded.text, loaded.options);
        const bare = findings.filter(({ fix, mended }) => fix === undefined && mended === undefined);
        expect(bare.map(({ rule, message }) => [rule.name, message])).to.deep.equal([]);
      });

      it('writes what is safe, and then no more', () => {
        const { text, options } = loaded;
        const fixed = fixDockerfile(text, options);
        expect(fixed.rest.error).to.equal(undefined);
        expect(fixed.rest.findings.filter(({ fix }) => fix?.safe === true)).to.deep.equal([]);
        expect(fixDockerfile(fixed.text, options).text).to.equal(fixed.text);
        expectText(join(folder, name, 'Dockerfile.fixed'), fixed.text === text ? undefined : fixed.text);
      });
    });
  }
});
