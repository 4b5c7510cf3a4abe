import { expect } from 'chai';
import { PlainBuildProgress } from '../../src/cli/build-progress-plain.ts';

describe('PlainBuildProgress', () => {
  it('numbers vertices, cuts output into lines and separates what alternates', () => {
    const lines: string[] = [];
    const progress = new PlainBuildProgress(line => lines.push(line.replace(/\d+\.\d+/, 'N')));
    const first = { id: 'a', name: '[1/2] RUN a' };
    const second = { id: 'b', name: '[2/2] COPY b' };
    progress.vertexStarted(first);
    progress.vertexOutput(first, 'stdout', Buffer.from('one\ntw'));
    progress.vertexCached(second);
    progress.vertexOutput(first, 'stdout', Buffer.from('o\nrest'));
    progress.vertexDone(first);
    progress.warning('odd', { file: 'Dockerfile', line: 3 });
    expect(lines).to.deep.equal([
      '#1 [1/2] RUN a',
      '#1 N one',
      '',
      '#2 [2/2] COPY b',
      '#2 CACHED',
      '',
      '#1 N two',
      '#1 N rest',
      '#1 DONE Ns',
      'warning: Dockerfile:3: odd',
    ]);
  });

  it('keeps a character that two chunks share', () => {
    const lines: string[] = [];
    const progress = new PlainBuildProgress(line => lines.push(line));
    const vertex = { id: 'a', name: 'x' };
    const bytes = Buffer.from('ü\n');
    progress.vertexOutput(vertex, 'stdout', bytes.subarray(0, 1));
    progress.vertexOutput(vertex, 'stdout', bytes.subarray(1));
    expect(lines.at(-1)).to.match(/ ü$/);
  });
});
