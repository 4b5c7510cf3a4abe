import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { array, assert, constantFrom, property, string, uint8Array } from 'fast-check';
import { dockerfileText, parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { hostileInputs } from './hostile.ts';

/** Parses; takes only errors that stand at a place of the file, and say what to do. */
function parseOrRefuse(text: string | Uint8Array): void {
  try {
    parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
  } catch (error) {
    if (!isHawserError(error, 'DOCKERFILE_INVALID') || error.location === undefined) throw error;
    const { line, column = 1, endLine = line } = error.location;
    const lines = (typeof text === 'string' ? text : dockerfileText(text)).split('\n');
    expect(line).to.be.within(1, lines.length);
    expect(endLine).to.be.within(line, lines.length);
    expect(column).to.be.within(1, (lines[line - 1] ?? '').length + 1);
    expect(error.remedy).to.be.a('string');
  }
}

const pieces = [
  ...'FROM a|RUN |COPY |ENV |ARG |ONBUILD |HEALTHCHECK |SHELL |CMD |--mount=|--from=|type=cache,|target=/a'.split(
    '|',
  ),
  ...'<<E|E|<<-|#| |"|\\|$|${|}|[|]|,|=|"a"|é|1|[]|[1]|AS b|`'.split('|'),
  '\n',
  '\\\n',
  '`\n',
  '\r\n',
  '\t',
  "'",
  '\0',
  '\ud800',
  '# escape=`\n',
  '# syntax=x\n',
  '\ufeff',
  '\u0085',
];

describe('any input to the parser', () => {
  const piece = constantFrom(...pieces);

  it('gives a tree or a located error', () => {
    assert(property(array(piece, { maxLength: 40 }), pieces => parseOrRefuse(pieces.join(''))));
    assert(property(array(piece, { maxLength: 40 }), pieces => parseOrRefuse(`FROM a\n${pieces.join('')}`)));
    assert(property(string({ unit: 'binary' }), parseOrRefuse));
    assert(property(uint8Array({ maxLength: 200 }), parseOrRefuse));
  });

  describe('takes steps in proportion to its length', function () {
    this.timeout(60_000);
    const counter = join(import.meta.dirname, 'processes/count-steps.ts');
    let counts: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
    before(() => {
      const printed = execFileSync(process.execPath, ['--import', 'tsx', counter], { encoding: 'utf8' });
      counts = JSON.parse(printed) as typeof counts;
    });
    for (const who of ['parser', 'linter']) {
      for (const name of Object.keys(hostileInputs)) {
        it(`${who}: ${name}`, () => {
          const [small = 0, middle = 0, large = 0] = counts[who]?.[name] ?? [];
          expect(small, 'steps at all').to.be.above(1000);
          expect(middle / small).to.be.below(2.2);
          expect(large / middle).to.be.below(2.2);
        });
      }
    }
  });
});
