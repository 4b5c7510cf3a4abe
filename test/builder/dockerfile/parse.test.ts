import { expect } from 'chai';
import { array, assert, constantFrom, property, string, uint8Array } from 'fast-check';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';

function parse(text: string | Uint8Array): ReturnType<typeof parseDockerfile> {
  return parseDockerfile(text, { file: 'Dockerfile' });
}

/** Parses, and takes only located errors. */
function parseOrRefuse(text: string | Uint8Array): void {
  try {
    parseProgram(parse(text));
  } catch (error) {
    if (!isHawserError(error, 'DOCKERFILE_INVALID') || error.location === undefined) throw error;
  }
}

describe('parser directives', () => {
  const escapes: readonly (readonly [string, string])[] = [
    ['# escape=`\nFROM a', '`'],
    ['#escape = `\nFROM a', '`'],
    ['# ESCAPE=`\nFROM a', '`'],
    ['# syntax=x\n# escape=`\nFROM a', '`'],
    ['#!/bin/sh\n# escape=`\nFROM a', '`'],
    ['\ufeff# escape=`\nFROM a', '`'],
    ['# foo=bar\n# escape=`\nFROM a', '\\'],
    ['# text\n# escape=`\nFROM a', '\\'],
    ['\n# escape=`\nFROM a', '\\'],
    ['FROM a\n# escape=`\nRUN b', '\\'],
  ];
  for (const [text, escape] of escapes) {
    it(JSON.stringify(text), () => expect(parse(text).escape).to.equal(escape));
  }

  it('are kept with value and line', () => {
    expect(parse('# syntax=docker/dockerfile:1\n# check=skip=A;error=true\nFROM a').directives).to.deep.equal(
      [
        { name: 'syntax', value: 'docker/dockerfile:1', line: 1 },
        { name: 'check', value: 'skip=A;error=true', line: 2 },
      ],
    );
  });

  it('change continuations (trap 74)', () => {
    const { nodes } = parse('# escape=`\nFROM a\nCOPY a c:\\\nRUN x `\n y');
    expect(nodes.map(node => node.line.text)).to.deep.equal(['FROM a', 'COPY a c:\\', 'RUN x  y']);
  });
});

describe('nodes', () => {
  it('carry the comments right above and empty continuations', () => {
    const { nodes, emptyContinuations } = parse(
      '# escape=\\\n# a\n#\n# b\nFROM a\n# c\nRUN x \\\n\n y\nRUN z',
    );
    expect(nodes.map(node => node.comments)).to.deep.equal([['b'], ['c'], []]);
    expect(emptyContinuations.map(node => node.line.startLine)).to.deep.equal([7]);
  });

  it('end where the file ends in a continuation', () => {
    expect(
      parse('FROM a\nRUN b \\')
        .nodes.at(-1)
        ?.args.map(word => word.text),
    ).to.deep.equal(['b']);
  });
});

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

describe('any input', () => {
  const piece = constantFrom(...pieces);

  it('gives a tree or a located error', () => {
    assert(property(array(piece, { maxLength: 40 }), pieces => parseOrRefuse(pieces.join(''))));
    assert(property(array(piece, { maxLength: 40 }), pieces => parseOrRefuse(`FROM a\n${pieces.join('')}`)));
    assert(property(string({ unit: 'binary' }), parseOrRefuse));
    assert(property(uint8Array({ maxLength: 200 }), parseOrRefuse));
  });

  const long = 60_000;
  const hostile: readonly (readonly [string, string])[] = [
    ['blanks', `FROM a\nRUN x${' '.repeat(long)}y\n`.repeat(16)],
    ['blanks over continuations', `FROM a\nRUN x${`${' '.repeat(1000)}\\\n`.repeat(1000)}`],
    ['continuations', `FROM a\nRUN ${'x \\\n'.repeat(250_000)}`],
    ['empty continuations', `FROM a\nRUN \\\n${'\n'.repeat(1_000_000)}`],
    ['comments', '# a\n'.repeat(250_000)],
    ['onbuild', `FROM a\n${'ONBUILD '.repeat(7000)}x\n`],
    ['onbuild over continuations', `FROM a\n${'ONBUILD \\\n'.repeat(100_000)}x\n`],
    ['brackets', `FROM a\nCMD ${'['.repeat(long)}\n`.repeat(16)],
    ['brackets over continuations', `FROM a\nCMD ${'[\\\n'.repeat(300_000)}`],
    ['substitutions', `FROM a\nRUN <<${'${a:-'.repeat(10_000)}\n`.repeat(16)],
    ['heredocs', `FROM a\nRUN ${'<<a '.repeat(10_000)}\n`],
    ['heredoc quotes', `FROM a\nRUN <<${'"'.repeat(long)}\n`.repeat(16)],
    ['escapes', `FROM a\nENV a=${'\\'.repeat(long)}\n`.repeat(16)],
    ['flags', `FROM a\nRUN ${'--mount=target=/a \\\n'.repeat(50_000)}x`],
    ['pairs', `FROM a\nENV ${'a=b \\\n'.repeat(200_000)}c=d`],
  ];
  for (const [name, text] of hostile) {
    it(`takes linear time: ${name}`, () => parseOrRefuse(text));
  }
});
