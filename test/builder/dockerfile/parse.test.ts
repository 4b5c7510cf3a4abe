import { expect } from 'chai';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';

function parse(text: string | Uint8Array): ReturnType<typeof parseDockerfile> {
  return parseDockerfile(text, { file: 'Dockerfile' });
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

  it('change continuations', () => {
    const { nodes } = parse('# escape=`\nFROM a\nCOPY a c:\\\nRUN x `\n y');
    expect(nodes.map(node => node.line.text)).to.deep.equal(['FROM a', 'COPY a c:\\', 'RUN x  y']);
  });
});

describe('nodes', () => {
  it('carry the comments right above and empty continuations', () => {
    const { nodes, emptyContinuations } = parse(
      '# escape=\\\n# a\n#\n# b\nFROM a\n# gone\n \n# c\nRUN x \\\n\n y\nRUN z',
    );
    expect(nodes.map(node => node.comments)).to.deep.equal([['b'], ['c'], []]);
    expect(emptyContinuations.map(node => node.line.startLine)).to.deep.equal([9]);
  });

  it('end where the file ends in a continuation', () => {
    expect(
      parse('FROM a\nRUN b \\')
        .nodes.at(-1)
        ?.args.map(word => word.text),
    ).to.deep.equal(['b']);
  });
});
