import { expect } from 'chai';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import type { Program } from '../../../src/builder/dockerfile/stages.ts';
import {
  findBaseStage,
  findSourceStage,
  findTarget,
  parseProgram,
} from '../../../src/builder/dockerfile/stages.ts';
import { isHawserError, messageOf } from '../../../src/errors/hawser-error.ts';

function programOf(text: string): Program {
  return parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
}

function messageFrom(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return messageOf(error);
  }
  return 'accepted';
}

/** What `--from=name` in the last stage finds. */
function source(program: Program, name: string, numbers = true): number | undefined | string {
  const before = program.stages.at(-1);
  const instruction = before?.instructions[0];
  if (before === undefined || instruction === undefined)
    throw new Error('the last stage needs an instruction');
  const place = { instruction, word: instruction.node.keyword };
  try {
    return findSourceStage(program, name, { before, numbers, place })?.index;
  } catch (error) {
    if (!isHawserError(error, 'DOCKERFILE_INVALID')) throw error;
    return error.message;
  }
}

describe('stages', () => {
  const text = 'ARG g=1\nFROM a AS x\nFROM b AS Y\nFROM x\nFROM c AS x\nFROM x AS last\nRUN z\n';

  it('come with the ARG lines before them', () => {
    const program = programOf(text);
    expect(program.globals).to.have.length(1);
    expect(program.stages.map(stage => stage.name)).to.deep.equal(['x', 'y', undefined, 'x', 'last']);
  });

  it('are found by name and number; the later of one name counts', () => {
    const program = programOf(text);
    expect(source(program, 'X')).to.equal(3);
    expect(source(program, 'y')).to.equal(1);
    expect(source(program, '2')).to.equal(2);
    expect(source(program, '2', false)).to.equal(undefined);
    expect(source(program, 'nginx')).to.equal(undefined);
    expect(source(program, 'last')).to.equal('circular dependency detected on stage: last');
    expect(source(program, '4')).to.equal('invalid stage index 4');
  });

  it('take nothing from a later one', () => {
    const program = programOf('FROM a AS one\nFROM b AS two\nRUN x\n');
    const [one] = program.stages;
    const instruction = program.stages[1]?.instructions[0];
    if (one === undefined || instruction === undefined) throw new Error('two stages were expected');
    const place = { instruction, word: instruction.node.keyword };
    const find = (): unknown => findSourceStage(program, 'two', { before: one, numbers: true, place });
    expect(messageFrom(find)).to.equal('stage "two" is not defined yet');
  });

  it('are a base only for those below, in lower case', () => {
    const program = programOf(text);
    const bases = program.stages.map(({ from }) => findBaseStage(program, from.image.text, from)?.index);
    expect(bases).to.deep.equal([undefined, undefined, 0, undefined, 3]);
    const upper = programOf('FROM a AS base\nFROM Base\n');
    const from = upper.stages[1]?.from;
    if (from === undefined) throw new Error('two stages were expected');
    expect(messageFrom(() => findBaseStage(upper, 'Base', from))).to.contain('must be lowercase');
  });

  it('are targets by name', () => {
    const program = programOf(text);
    expect(findTarget(program).index).to.equal(4);
    expect(findTarget(program, 'X').index).to.equal(3);
    expect(messageFrom(() => findTarget(program, '0'))).to.equal('target stage "0" could not be found');
  });
});
