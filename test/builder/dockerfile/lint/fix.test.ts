import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { array, assert, constantFrom, property } from 'fast-check';
import type { ContextFiles } from '../../../../src/builder/dockerfile/lint/advice/survey.ts';
import { applyEdits } from '../../../../src/builder/dockerfile/lint/edits.ts';
import { fixDockerfile, lintDockerfile } from '../../../../src/builder/dockerfile/lint/lint.ts';
import { parseShell } from '../../../../src/builder/dockerfile/lint/shell/parse-shell.ts';
import { parseDockerfile } from '../../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../../src/builder/dockerfile/stages.ts';
import { planOf } from '../plan.ts';

const real = join(import.meta.dirname, '../../../../../shared/corpora/dockerfiles');
const options = { file: 'Dockerfile' };

/** The config of the image, less what MAINTAINER became. */
async function configOf(text: string): Promise<object> {
  const { draft } = await planOf(text);
  const { Labels: labels = {}, ...config } = draft.config;
  const { 'org.opencontainers.image.authors': _, ...others } = labels ?? {};
  return { ...config, labels: others };
}

/** The words of all commands that the last stage runs, in order. */
function commandsOf(text: string): readonly string[] {
  const lines = parseProgram(parseDockerfile(text, options)).stages.at(-1)?.instructions ?? [];
  return lines
    .flatMap(line => (line.kind === 'run' && line.command.shell ? line.command.words : []))
    .flatMap(script => parseShell(script).commands)
    .flatMap(({ words }) => words.map(({ raw }) => raw))
    .filter(word => word !== 'sudo');
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let found = 0;
  for (const word of whole) if (word === part[found]) found++;
  return found === part.length;
}

function commentsOf(text: string): readonly string[] {
  return text.split('\n').filter(line => line.trimStart().startsWith('#'));
}

/** What must hold of every fix. */
async function expectSound(text: string): Promise<void> {
  const fixed = fixDockerfile(text, options);
  expect(fixed.rest.error).to.equal(undefined);
  expect(fixDockerfile(fixed.text, options).text).to.equal(fixed.text);
  expect(await configOf(fixed.text)).to.deep.equal(await configOf(text));
  expect(isSubsequence(commandsOf(text), commandsOf(fixed.text)), `commands of ${text}`).to.equal(true);
  expect(commentsOf(fixed.text)).to.deep.equal(commentsOf(text));
}

describe('--fix', () => {
  for (const name of readdirSync(real)) {
    it(`keeps what ${name} says`, () => expectSound(readFileSync(join(real, name), 'utf8')));
  }

  const lines = [
    'RUN apt-get update',
    'RUN apt-get install curl',
    'RUN apt-get update && apt-get install -y git',
    'run apk add jq \\\n  && true',
    'RUN npm ci || true',
    'RUN set -e; a; b',
    'RUN cd /x && make',
    'RUN sudo make install',
    'RUN a \\\n\n  && b # c',
    'RUN <<E\napt-get install x\nE',
    'RUN ["a", "b"]',
    'RUN --network=none d',
    'ENV a b c',
    "ENV a 'b c' d",
    'LABEL a=b',
    'maintainer me',
    'MAINTAINER $x "y"',
    'EXPOSE 80/TCP 1:2',
    'USER root',
    'WORKDIR app',
    'CMD a b',
    'ADD x /x',
    '# a comment',
    '# check=skip=MergeableRuns',
    '',
    'FROM debian AS Next',
    'FROM --platform=$TARGETPLATFORM scratch as other',
    'SHELL ["powershell"]',
    'ONBUILD RUN a',
  ];

  it('keeps what any file says', async () => {
    const files = array(constantFrom(...lines), { maxLength: 14 });
    const texts: string[] = [];
    assert(
      property(files, file => void texts.push(`FROM debian:12\n${file.join('\n')}\n`)),
      { numRuns: 120 },
    );
    for (const text of texts) await expectSound(text);
  });

  it('never throws, whatever stands there', () => {
    const context: ContextFiles = { names: ['.git'], kindOf: () => 'file', isArchive: () => false };
    const pieces = [
      ...lines,
      ' ',
      '"',
      "'",
      '$(',
      '`',
      '\\',
      '\\\n',
      '&&',
      '||',
      '<<',
      '\r\n',
      '${',
      '\ud800',
      ';;',
      '((',
      'FROM ',
    ];
    assert(
      property(array(constantFrom(...pieces), { maxLength: 30 }), parts => {
        const text = `FROM debian:12\n${parts.join(' ')}\nRUN ${parts.join('')}`;
        const { findings } = lintDockerfile(text, { ...options, context });
        for (const { location, lines: marked } of findings) {
          expect(location.line).to.be.within(marked.start, marked.end);
        }
        fixDockerfile(text, { ...options, context });
      }),
      { numRuns: 120 },
    );
  });

  it('keeps a byte order mark, and line ends', () => {
    const { text } = fixDockerfile('\ufefffrom scratch AS a\r\nENV b c\r\nCMD ["x"]', options);
    expect(text).to.equal('\ufeffFROM scratch AS a\r\nENV b=c\r\nCMD ["x"]');
  });
});

describe('edits', () => {
  it('are applied from the places of the old text', () => {
    const at = (line: number, column: number) => ({ line, column });
    const text = applyEdits('ab\ncd\nef', [
      { start: at(3, 1), end: at(3, 2), text: 'E' },
      { start: at(1, 3), end: at(2, 1), text: '' },
      { start: at(2, 2), end: at(2, 2), text: '-' },
      { start: at(3, 3), end: at(4, 1), text: '!' },
    ]);
    expect(text).to.equal('abc-d\nEf!');
  });
});
