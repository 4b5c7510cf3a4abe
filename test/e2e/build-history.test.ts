import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { type BrowserContext, chromium } from 'playwright-core';
import { chromiumArgs } from './support/chromium.ts';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox AS one',
  'RUN echo first; echo "<b>second</b>" >&2; printf "no end"',
  'FROM busybox AS two',
  'RUN head -c 3000000 /dev/zero | tr "\\0" x | fold -w 99; printf "\\377\\376"',
  'FROM busybox AS broken',
  'RUN echo before it breaks; exit 7',
  'FROM busybox',
  'COPY --from=one /etc/passwd /one',
  'COPY --from=two /etc/group /two',
  '',
].join('\n');

interface Row {
  readonly ID: string;
  readonly Status: string;
  readonly Steps: number;
  readonly CachedSteps: number;
}

interface Trace {
  readonly traceEvents: readonly { readonly name: string; readonly ph: string; readonly dur?: number }[];
}

describe('the history of builds', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
    await sandbox.hawser('build', '-q', '-t', 'app', '--trace', 'trace.json', 'app');
    await sandbox.hawser('build', '-q', 'app');
    expect((await sandbox.try(['build', '-q', '--target', 'broken', 'app'])).code).to.equal(1);
  });
  after(() => sandbox.dispose());

  const rows = async () =>
    (await sandbox.hawser('builder', 'history', '--format', 'json'))
      .split('\n')
      .map(line => JSON.parse(line) as Row);

  it('lists builds, the newest first, with what was cached', async () => {
    const builds = await rows();
    expect(builds.map(({ Status, Steps, CachedSteps }) => [Status, Steps, CachedSteps])).to.deep.equal([
      ['failed', 1, 0],
      ['done', 5, 4],
      ['done', 5, 0],
    ]);
    const ids = await sandbox.hawser('builder', 'history', 'ls', '-q');
    expect(ids.split('\n')).to.deep.equal(builds.map(({ ID }) => ID));
    expect(await sandbox.hawser('builder', 'history')).to.match(/^BUILD ID +NAME +TAGS +STATUS +CACHED/);
  });

  it('shows the whole log, to the byte, and tells a step by its text', async () => {
    const log = await sandbox.hawser('builder', 'logs', '^2');
    expect(log).to.match(/^#\d+ \[one 2\/2\] RUN echo first/m);
    expect(log).to.match(/^#\d+ [\d.]+ first$/m);
    expect(log).to.match(/^#\d+ [\d.]+ no end$/m);
    expect(log.split('\n').filter(line => / x{99}$/.test(line))).to.have.length(30_303);
    const one = await sandbox.hawser('builder', 'logs', '--step', 'RUN echo first', '^2');
    for (const said of ['first\n', 'no end', '<b>second</b>']) expect(one).to.include(said);
    expect(one.trimEnd().length).to.be.within(25, 26); // whichever stream came last
    const bytes = await sandbox.try(['builder', 'logs', '--progress', 'rawjson', '^2']);
    const logs = bytes.stdout
      .trimEnd()
      .split('\n')
      .flatMap(line => (JSON.parse(line) as { logs?: readonly { data: string }[] }).logs ?? []);
    const whole = Buffer.concat(logs.map(({ data }) => Buffer.from(data, 'base64')));
    expect(whole.includes(Buffer.from([0xff, 0xfe]))).to.equal(true);
    expect(whole.filter(byte => byte === 0x78)).to.have.length(3_000_000);
    expect(await sandbox.hawser('builder', 'logs')).to.match(/ERROR: RUN echo before it breaks; exit 7/);
  });

  it('inspects one, and knows near misses', async () => {
    const [build] = JSON.parse(
      await sandbox.hawser('builder', 'history', 'inspect', '--format', 'json', '^1'),
    );
    expect(build.Steps.map(({ State }: { State: string }) => State)).to.deep.equal([
      ...Array(4).fill('cached'),
      'done',
    ]);
    expect(await sandbox.hawser('builder', 'history', 'inspect')).to.match(/^Error: +RUN echo before/m);
    const [last] = await rows();
    const wrong = await sandbox.try(['builder', 'logs', `${last?.ID.slice(0, -1)}_`]);
    expect(wrong.code).to.equal(1);
    expect(wrong.stderr).to.include('NOT_FOUND').and.include('Did you mean');
    expect((await sandbox.try(['builder', 'logs', '^99'])).stderr).to.include('only 3 builds');
    expect((await sandbox.try(['builder', 'logs', '--step', 'nothing'])).stderr).to.include('NOT_FOUND');
  });

  it('writes a Chrome trace of a build, and of a past one', async () => {
    await sandbox.hawser('builder', 'history', '--trace', 'again.json', '^2');
    const text = await readFile(join(sandbox.folder, 'trace.json'), 'utf8');
    expect(await readFile(join(sandbox.folder, 'again.json'), 'utf8')).to.equal(text);
    const events = (JSON.parse(text) as Trace).traceEvents.filter(({ ph }) => ph === 'X');
    expect(events).to.have.length(6);
    expect(events.every(({ dur = -1 }) => dur >= 0)).to.equal(true);
    expect(events[0]?.name).to.equal('build');
  });

  it('keeps what was said when hawser is killed in the middle', async () => {
    await sandbox.write({
      'slow/Dockerfile': 'FROM busybox\nRUN seq 5000; echo under way; sleep 600\n',
    });
    const child = sandbox.start('build', '--progress', 'plain', 'slow');
    let seen = '';
    for await (const chunk of child.stderr) {
      seen += String(chunk);
      if (seen.includes('under way\n')) break;
    }
    const running = await rows();
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(running[0]?.Status).to.equal('running');
    expect((await rows())[0]?.Status).to.equal('killed');
    const said = await sandbox.hawser('builder', 'logs', '--step', 'seq');
    const numbers = Array.from({ length: 5000 }, (_, index) => String(index + 1));
    expect(said.split('\n')).to.deep.equal([...numbers, 'under way']);
    await sandbox.hawser('build', '-q', '--target', 'one', 'app'); // ends the step that was left
  });

  it('keeps records from others, and a build alive that cannot be recorded', async () => {
    const folder = join(sandbox.root, 'build-history');
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).mode & 0o077).to.equal(0);
    const other = await Sandbox.create();
    try {
      await other.importBusybox();
      await other.write({
        'root/build-history': 'in the way',
        'app/Dockerfile': 'FROM busybox\nRUN echo x\n',
      });
      const { code, stderr } = await other.try(['build', '-q', 'app']);
      expect(code).to.equal(0);
      expect(stderr).to.include('no record of the build is kept');
    } finally {
      await other.dispose();
    }
  });

  describe('as a page', () => {
    let browser: BrowserContext;
    before(async () => {
      await sandbox.hawser('builder', 'history', '--html', 'build.html', await idOfFirst());
      browser = await chromium.launchPersistentContext(join(sandbox.folder, 'chromium'), {
        executablePath: '/usr/bin/chromium',
        args: chromiumArgs,
        viewport: { width: 1280, height: 900 },
      });
    });
    after(() => browser?.close());
    const idOfFirst = async () => (await rows()).at(-1)?.ID ?? '';

    it('draws the timeline, shows output as text, and asks for nothing', async () => {
      const page = await browser.newPage();
      const requests: string[] = [];
      const errors: string[] = [];
      page.on('request', request => requests.push(request.url()));
      page.on('pageerror', error => errors.push(error.message));
      page.on('console', message => errors.push(message.text()));
      const url = pathToFileURL(join(sandbox.folder, 'build.html')).href;
      await page.goto(url);
      expect(await page.title()).to.equal(`app – build ${await idOfFirst()}`);
      expect(await page.locator('#steps li').count()).to.equal(5);
      expect(await page.locator('#steps .critical').count()).to.be.above(1);
      for (const bar of await page.locator('.bar').all()) {
        const box = await bar.boundingBox();
        expect(box?.width).to.be.at.least(3);
        expect((box?.x ?? 0) + (box?.width ?? 0)).to.be.below(1280);
      }
      await page.locator('#steps button', { hasText: 'echo first' }).click();
      expect(await page.locator('#log pre').textContent()).to.include('<b>second</b>');
      await page.locator('#steps button', { hasText: 'head -c' }).click();
      expect(await page.locator('#log p').textContent()).to.match(/^3\.0 MB of output, its end here/);
      expect(requests).to.deep.equal([url]);
      expect(errors).to.deep.equal([]);
    });
  });

  describe('in the end', () => {
    it('forgets builds by id, and all of them', async () => {
      const before = await rows();
      await sandbox.hawser('builder', 'history', 'rm', before[0]?.ID ?? '', '^1');
      expect((await rows()).map(({ ID }) => ID)).to.deep.equal(before.slice(2).map(({ ID }) => ID));
      expect((await sandbox.try(['builder', 'history', 'rm'])).code).to.equal(2);
      await sandbox.hawser('builder', 'history', 'rm', '--all');
      expect(await sandbox.hawser('builder', 'history', '-q')).to.equal('');
      expect((await sandbox.try(['builder', 'logs'])).stderr).to.include('no build is recorded');
    });
  });
});
