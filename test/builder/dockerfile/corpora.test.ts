import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { EscapeToken } from '../../../src/builder/dockerfile/ast.ts';
import { expandWord } from '../../../src/builder/dockerfile/expand.ts';
import type { Variables } from '../../../src/builder/dockerfile/expander.ts';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { isStep } from '../../../src/builder/plan/apply-line.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { dump } from './dump.ts';
import { planOf } from './plan.ts';

const corpora = join(import.meta.dirname, '../../../../shared/corpora');
const parserFolder = join(corpora, 'parser');
const escape: EscapeToken = '\\';

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isHawserError(error, 'DOCKERFILE_INVALID') && error.location !== undefined) {
      return `${error.location.file}:${error.location.line}`;
    }
    throw error;
  }
  return 'accepted';
}

describe('Dockerfile corpora', () => {
  const cases = readdirSync(join(parserFolder, 'testfiles'));
  it('has 33 parser cases', () => expect(cases).to.have.length(33));
  for (const name of cases) {
    it(`parses ${name} as the reference parser does`, () => {
      const folder = join(parserFolder, 'testfiles', name);
      const tree = parseDockerfile(readFileSync(join(folder, 'Dockerfile')), { file: 'Dockerfile' });
      expect(dump(tree)).to.equal(readFileSync(join(folder, 'result'), 'utf8'));
    });
  }

  const negative: Readonly<Record<string, number>> = {
    empty_dockerfile: 1,
    env_no_value: 3,
    only_comments: 3,
    'shykes-nested-json': 1,
  };
  for (const name of readdirSync(join(parserFolder, 'testfiles-negative'))) {
    it(`refuses ${name} at its line`, () => {
      const text = readFileSync(join(parserFolder, 'testfiles-negative', name, 'Dockerfile'));
      const at = refusalOf(() => parseDockerfile(text, { file: name }));
      expect(at).to.equal(`${name}:${negative[name]}`);
    });
  }

  it('knows the lines of instructions', () => {
    const text = readFileSync(join(parserFolder, 'testfile-line/Dockerfile'));
    const lines = parseDockerfile(text, { file: 'Dockerfile' }).nodes.map(({ line }) => [
      line.startLine,
      line.endLine,
    ]);
    expect(lines).to.deep.equal([
      [5, 5],
      [11, 12],
      [17, 31],
    ]);
  });

  describe('expansion rows', () => {
    const variables = new Map([
      ['PWD', '/home'],
      ['SHELL', 'bash'],
      ['KOREAN', '한국어'],
      ['NULL', ''],
    ]);
    const windows: Variables = { get: name => variables.get(name.toUpperCase()) };
    const rows = readFileSync(join(corpora, 'words/envVarTest'), 'utf8')
      .split('\n')
      .filter(row => row !== '' && !row.startsWith('#'))
      .map(row => row.split('|').map(cell => cell.trim()));
    it('has 230 rows', () => expect(rows).to.have.length(230));
    for (const [system, word = '', result = ''] of rows) {
      it(`${system} ${word} is ${result}`, () => {
        const lookUp = system === 'W' ? windows : variables;
        if (result === 'error')
          expect(refusalOf(() => expandWord(word, lookUp, { escape }))).to.equal('Dockerfile:1');
        else expect(expandWord(word, lookUp, { escape }).text).to.equal(result);
      });
    }
  });

  describe('word rows', () => {
    const variables = new Map<string, string>();
    for (const row of readFileSync(join(corpora, 'words/wordsTest'), 'utf8').split('\n')) {
      if (row === '' || row.startsWith('#')) continue;
      if (row.startsWith('ENV ')) {
        const [name = '', value = ''] = row.slice(4).trimStart().split('=');
        variables.set(name, value);
        continue;
      }
      const [input = '', expected = ''] = row.split(' | ');
      const snapshot = new Map(variables);
      it(row, () => {
        if (expected.trim() === 'error') {
          expect(refusalOf(() => expandWord(input.trim(), snapshot, { escape }))).to.equal('Dockerfile:1');
          return;
        }
        const words = expandWord(input.trim(), snapshot, { escape }).words;
        expect(words).to.deep.equal(expected.trimStart().split(','));
      });
    }
  });

  const real = readdirSync(join(corpora, 'dockerfiles'));
  it('has 102 real Dockerfiles', () => expect(real).to.have.length(102));
  for (const name of real) {
    it(`reads ${name} with its texts intact`, () => {
      const text = readFileSync(join(corpora, 'dockerfiles', name), 'utf8');
      const dockerfile = parseDockerfile(text, { file: name });
      const { globals, stages } = parseProgram(dockerfile);
      const count = stages.reduce((sum, stage) => sum + 1 + stage.instructions.length, globals.length);
      expect(count).to.equal(dockerfile.nodes.length);
      for (const node of dockerfile.nodes) {
        expect(node.line.text).to.equal(
          joinedLines(text, node.line.startLine, node.line.endLine, dockerfile.escape),
        );
      }
    });

    it(`plans ${name} without a network`, async () => {
      const text = readFileSync(join(corpora, 'dockerfiles', name), 'utf8');
      const { stages } = parseProgram(parseDockerfile(text, { file: name }));
      const { draft, steps } = await planOf(text);
      const lines = stages.at(-1)?.instructions ?? [];
      expect(draft.history).to.have.length(lines.length);
      expect(steps.length).to.be.at.least(lines.filter(isStep).length);
    });
  }
});

/** The text of an instruction by another way than the parser's: no comments, no empty lines, no continuations. */
function joinedLines(text: string, start: number, end: number, token: EscapeToken): string {
  const lines = text
    .split('\n')
    .slice(start - 1, end)
    .filter(line => !/^\s*(#|$)/.test(line));
  const tail = token === '\\' ? /\\[ \t]*$/ : /`[ \t]*$/;
  return lines
    .map((line, index) => (index < lines.length - 1 ? line.replace(tail, '') : line))
    .join('')
    .trimStart();
}
