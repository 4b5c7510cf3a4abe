import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BuildRecorder } from '../../src/builder/history/build-recorder.ts';
import { findBuild, keepBounds, recordPath } from '../../src/builder/history/history-folder.ts';
import { outputOf, readRecord } from '../../src/builder/history/read-record.ts';
import { ownIdentity } from '../../src/util/process-identity.ts';
import { thrownBy } from '../support/thrown-by.ts';

describe('records of builds', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'hawser-history-')), 'build-history');
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

  const about = { context: '/app', tags: ['app'] };
  const [first, second] = [
    { id: 'a', name: 'RUN a' },
    { id: 'b', name: 'RUN b', inputs: ['a'] },
  ] as const;

  it('writes nothing before a program speaks, and then each thing at once', async () => {
    const recorder = new BuildRecorder(folder, about);
    const path = recordPath(folder, recorder.id);
    recorder.planned([first, second]);
    recorder.vertexStarted(first);
    expect(await readRecord(path)).to.equal(undefined);
    recorder.vertexOutput(first, 'stdout', Buffer.from('one\n'));
    recorder.vertexOutput(first, 'stderr', Buffer.from([0xff, 0x0a]));
    const running = await readRecord(path);
    expect(running?.status).to.equal('running');
    expect(running?.steps.map(({ name, state, output }) => [name, state, output])).to.deep.equal([
      ['RUN a', 'running', 6],
      ['RUN b', 'waiting', 0],
    ]);
    recorder.vertexDone(first);
    recorder.vertexFailed(second, new Error('it broke'));
    recorder.end('failed', { error: 'it broke' });
    recorder.end('done');
    const ended = await readRecord(path);
    expect(ended).to.include({ status: 'failed', error: 'it broke' });
    expect(ended?.steps.map(({ state, inputs }) => [state, inputs])).to.deep.equal([
      ['done', []],
      ['failed', ['a']],
    ]);
    const said: Buffer[] = [];
    for await (const { bytes } of outputOf(path)) said.push(Buffer.from(bytes));
    expect(Buffer.concat(said)).to.deep.equal(Buffer.from('one\n\xff\n', 'latin1'));
  });

  it('reads a record whose last line a kill has cut, and none at all', async () => {
    mkdirSync(folder);
    const head = JSON.stringify({ version: 1, id: 'x', started: 1, pid: 0, processStart: '0', about });
    const start = JSON.stringify({ event: 'start', at: 5, step: 'a', name: 'RUN a' });
    writeFileSync(recordPath(folder, 'x'), `${head}\n${start}\n{"event":"do`);
    writeFileSync(recordPath(folder, 'y'), head.slice(0, 20));
    expect(await readRecord(recordPath(folder, 'x'))).to.include({ status: 'killed', duration: 5 });
    expect(await readRecord(recordPath(folder, 'y'))).to.equal(undefined);
    keepBounds(folder, { measure: true }, { builds: 1, bytes: 0 });
    expect(readdirSync(folder)).to.deep.equal(['y.jsonl']);
  });

  it('lets the oldest go by number and by size, but never the newest, and none that runs', () => {
    mkdirSync(folder);
    const { pid, start } = ownIdentity();
    const write = (id: string, process = 0) => {
      const head = { version: 1, id, started: 1, pid: process, processStart: start, about };
      writeFileSync(recordPath(folder, id), `${JSON.stringify(head)}\n${' '.repeat(1000)}`);
    };
    write('a', pid);
    for (const id of ['b', 'c', 'd', 'e']) write(id);
    keepBounds(folder, { measure: false }, { builds: 3, bytes: 0 });
    expect(readdirSync(folder)).to.deep.equal(['a.jsonl', 'c.jsonl', 'd.jsonl', 'e.jsonl']);
    keepBounds(folder, { measure: true }, { builds: 9, bytes: 2500 });
    expect(readdirSync(folder)).to.deep.equal(['a.jsonl', 'd.jsonl', 'e.jsonl']);
    keepBounds(folder, { measure: true }, { builds: 9, bytes: 1 });
    expect(readdirSync(folder)).to.deep.equal(['a.jsonl', 'e.jsonl']);
  });

  it('finds a build by its beginning and by its place', () => {
    mkdirSync(folder);
    for (const id of ['aa1', 'aa2', 'ab1']) writeFileSync(recordPath(folder, id), '');
    const cases: readonly (readonly [string | undefined, string])[] = [
      [undefined, 'ab1'],
      ['^', 'aa2'],
      ['^0', 'ab1'],
      ['^2', 'aa1'],
      ['ab', 'ab1'],
    ];
    for (const [wanted, id] of cases) expect(findBuild(folder, wanted)).to.equal(id);
    thrownBy(() => findBuild(folder, 'aa'), 'INVALID_ARGUMENT');
    thrownBy(() => findBuild(folder, ''), 'INVALID_ARGUMENT');
    thrownBy(() => findBuild(folder, 'x'), 'NOT_FOUND');
  });
});
