import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { PlainBuildProgress } from '../../src/cli/build-progress-plain.ts';
import { RawJsonProgress } from '../../src/cli/build-progress-rawjson.ts';
import { cellWidth, cutToCells } from '../../src/cli/cell-width.ts';
import { logText, plainText } from '../../src/util/terminal-text.ts';

const first = { id: 'a', name: '[1/2] RUN a' };
const second = { id: 'b', name: '[2/2] COPY b', inputs: ['a'] };

describe('PlainBuildProgress', () => {
  let now: number;
  let lines: string[];
  let progress: PlainBuildProgress;
  beforeEach(() => {
    now = 0;
    lines = [];
    progress = new PlainBuildProgress(text => lines.push(...text.split('\n')), { now: () => now });
  });
  afterEach(() => progress.stop());

  it('numbers vertices, cuts output into lines and keeps those of one step together', () => {
    progress.vertexStarted(first);
    progress.vertexOutput(first, 'stdout', Buffer.from('one\ntw'));
    progress.vertexOutput(first, 'stderr', Buffer.from('bad\n'));
    progress.vertexCached(second);
    now = 1500;
    progress.vertexOutput(first, 'stdout', Buffer.from('o\nrest'));
    progress.vertexDone(first);
    progress.warning('odd', { file: 'Dockerfile', line: 3 });
    expect(lines).to.deep.equal([
      '#1 [1/2] RUN a',
      '#1 0.000 one',
      '#1 0.000 bad',
      '#1 1.500 two',
      '#1 1.500 rest',
      '#1 DONE 1.5s',
      '',
      '#2 [2/2] COPY b',
      '#2 CACHED',
      'warning: Dockerfile:3: odd',
    ]);
  });

  it('gives the turn to another step after a while, and says so', () => {
    progress.vertexStarted(first);
    progress.vertexStarted(second);
    progress.vertexOutput(second, 'stdout', Buffer.from('waits\n'));
    now = 2500;
    progress.vertexOutput(second, 'stdout', Buffer.from('speaks\n'));
    progress.vertexOutput(first, 'stdout', Buffer.from('later\n'));
    progress.vertexDone(second);
    expect(lines).to.deep.equal([
      '#1 [1/2] RUN a',
      '#1 ...',
      '',
      '#2 [2/2] COPY b',
      '#2 0.000 waits',
      '#2 2.500 speaks',
      '#2 DONE 2.5s',
      '',
      '#1 [1/2] RUN a',
      '#1 2.500 later',
    ]);
  });

  it('tells at its end what still waits', () => {
    progress.vertexStarted(first);
    progress.vertexOutput(second, 'stdout', Buffer.from('waits\n'));
    progress.stop();
    expect(lines.at(-1)).to.equal('#2 0.000 waits');
  });

  it('says once that a step waits, and counts its time from where it began', () => {
    progress.vertexWaits(first, 'waiting for another build');
    now = 5000;
    progress.vertexStarted(first);
    now = 6500;
    progress.vertexDone(first);
    expect(lines.slice(1)).to.deep.equal(['#1 waiting for another build', '#1 DONE 1.5s']);
  });

  it('tells the first line of what went wrong', () => {
    progress.vertexStarted(first);
    progress.vertexFailed(first, new Error('RUN a ended with exit code 7:\n  last words'));
    expect(lines.slice(1)).to.deep.equal(['#1 ERROR: RUN a ended with exit code 7']);
  });

  it('tells of a transfer once, when it is over', () => {
    progress.vertexStarted(first);
    for (const done of [1e6, 2e6, 3e6]) progress.vertexProgress(first, { what: 'layer', done, total: 3e6 });
    expect(lines.slice(1)).to.deep.equal(['#1 layer 3MB done']);
  });

  it('gives every step its turn, the one that has waited longest first, and soon where much waits', () => {
    const third = { id: 'c', name: 'third' };
    const many = Buffer.from('x\n'.repeat(10_001));
    progress.vertexStarted(first);
    for (now = 1; now <= 5; now++) {
      progress.vertexOutput(now % 2 === 0 ? first : second, 'stdout', many);
      if (now === 1) progress.vertexOutput(third, 'stdout', Buffer.from('little\n'));
    }
    const turns = lines.filter(line => /^#\d [^\d.]/.test(line));
    expect(turns).to.deep.equal([
      `#1 ${first.name}`,
      `#2 ${second.name}`,
      '#3 third',
      `#1 ${first.name}`,
      `#2 ${second.name}`,
    ]);
  });

  it('takes the last of what a program wrote over and over, and no end of a line for granted', () => {
    const write = (text: string) => progress.vertexOutput(first, 'stdout', Buffer.from(text));
    for (const part of ['\r1%', '\r2%', '\r', '3%\r4', '%\r', '\nnext\r\n\n']) write(part);
    for (let count = 0; count < 40; count++) write('x'.repeat(1 << 15));
    progress.vertexDone(first);
    expect(lines.slice(1, 4)).to.deep.equal(['#1 0.000 4%', '#1 0.000 next', '#1 0.000']);
    const long = lines.slice(4, -1).map(line => line.replace('#1 0.000 ', ''));
    expect(long.map(({ length }) => length)).to.deep.equal([(1 << 20) + (1 << 15), 7 << 15]);
  });

  it('keeps a character that two chunks share', () => {
    const bytes = Buffer.from('ü\n');
    progress.vertexOutput(first, 'stdout', bytes.subarray(0, 1));
    progress.vertexOutput(first, 'stdout', bytes.subarray(1));
    expect(lines.at(-1)).to.match(/ ü$/);
  });
});

describe('RawJsonProgress', () => {
  it('tells what BuildKit tells in its SolveStatus', () => {
    const lines: object[] = [];
    const progress = new RawJsonProgress(
      line => lines.push(JSON.parse(line)),
      () => new Date(0),
    );
    const time = '1970-01-01T00:00:00.000Z';
    progress.planned([first, second]);
    progress.vertexWaits(first, 'waiting');
    progress.vertexStarted(first);
    progress.vertexOutput(first, 'stderr', Buffer.from([0xff, 0x0a]));
    progress.vertexProgress(first, { what: 'layer', done: 3, total: 3 });
    progress.vertexCached(second);
    progress.vertexFailed(first, new Error('no'));
    progress.warning('odd', { file: 'Dockerfile', line: 3 });
    progress.checked([
      {
        rule: { name: 'MaintainerDeprecated', description: 'not now', url: 'https://example.com/' },
        message: 'no more',
        lines: { start: 4, end: 5 },
        location: { file: 'Dockerfile', line: 4, column: 3 },
      },
    ]);
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const definition = `sha256:${createHash('sha256').update('definition').digest('hex')}`;
    const a = 'sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb';
    const b = 'sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d';
    const vertexA = { digest: a, name: first.name };
    const vertexB = { digest: b, inputs: [a], name: second.name };
    const waits = { id: 'waiting', vertex: a, current: 0, started: time };
    const name = '[internal] load build definition';
    const sourceInfo = { filename: 'Dockerfile', language: 'Dockerfile' };
    expect(lines).to.deep.equal([
      { vertexes: [vertexA, vertexB] },
      { vertexes: [{ ...vertexA, started: time }] },
      { statuses: [{ ...waits, timestamp: time }] },
      { statuses: [{ ...waits, timestamp: time, completed: time }] },
      { vertexes: [{ ...vertexA, started: time }] },
      { logs: [{ vertex: a, stream: 2, data: '/wo=', timestamp: time }] },
      {
        statuses: [
          { id: 'layer', vertex: a, total: 3, current: 3, timestamp: time, started: time, completed: time },
        ],
      },
      { vertexes: [{ ...vertexB, started: time, completed: time, cached: true }] },
      { vertexes: [{ ...vertexA, started: time, completed: time, error: 'no' }] },
      { vertexes: [{ digest: definition, name, started: time, completed: time }] },
      {
        warnings: [
          {
            vertex: definition,
            level: 1,
            short: base64('odd'),
            sourceInfo,
            range: [{ start: { line: 3 }, end: { line: 3 } }],
          },
        ],
      },
      {
        warnings: [
          {
            vertex: definition,
            level: 1,
            short: base64('MaintainerDeprecated: no more (line 4)'),
            detail: [base64('not now')],
            url: 'https://example.com/',
            sourceInfo,
            range: [{ start: { line: 4 }, end: { line: 5 } }],
          },
        ],
      },
    ]);
  });
});

describe('cells of a terminal', () => {
  const widths: readonly (readonly [string, number])[] = [
    ['plain', 5],
    ['über', 4],
    ['e\u0301', 1],
    ['漢字', 4],
    ['🚀', 2],
  ];
  for (const [text, width] of widths) {
    it(`${text} takes ${width}`, () => expect(cellWidth(text)).to.equal(width));
  }

  const cuts: readonly (readonly [string, number, string])[] = [
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['漢字漢字', 5, '漢字…'],
    ['漢字漢字', 4, '漢…'],
    ['x', 0, ''],
  ];
  for (const [text, columns, kept] of cuts) {
    it(`${text} in ${columns} is ${JSON.stringify(kept)}`, () =>
      expect(cutToCells(text, columns)).to.equal(kept));
  }

  const lines: readonly (readonly [string, string])[] = [
    ['\u001b[1;31mred\u001b[0m\u001b[K', 'red'],
    ['10%\r50%\r100%\r', '100%'],
    ['a\tb\u0007\u0008', 'a    b'],
    ['\u001b]0;title\u0007text\u001b(B', 'text'],
  ];
  for (const [line, text] of lines) {
    it(`${JSON.stringify(line)} leaves ${text}`, () => expect(plainText(line)).to.equal(text));
  }

  const logged: readonly (readonly [string, string])[] = [
    ['a\tb ü', 'a\tb ü'],
    ['\u001b[1;31mred', '\u001b[1;31mred\u001b[0m'],
    ['\u001b[32mgreen\u001b[m', '\u001b[32mgreen\u001b[m'],
    ['\u001b[2J\u001b[1Aup\u0007\u001b]0;title\u0007', 'up'],
  ];
  for (const [line, text] of logged) {
    it(`${JSON.stringify(line)} is logged as ${JSON.stringify(text)}`, () => {
      expect(logText(line, true)).to.equal(text);
      expect(logText(line, false)).to.equal(plainText(text).replace('    ', '\t'));
    });
  }
});
