import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { type BrowserContext, chromium } from 'playwright-core';
import { chromiumArgs } from './support/chromium.ts';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox',
  'RUN mkdir /data && head -c 2500000 /dev/zero > /data/big && echo keep > /data/kept',
  'RUN rm /data/big && head -c 1500000 /dev/zero > "/data/<b>odd" && rm /etc/group',
  'RUN echo more >> /data/kept && ln /data/kept /data/twin',
  'CMD ["cat", "/data/kept"]',
  '',
].join('\n');

interface Explored {
  readonly waste: number;
  readonly layers: readonly { readonly createdBy: string; readonly waste: number }[];
  readonly wasted: readonly object[];
}

describe('layers of images', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
    await sandbox.hawser('build', '-q', '-t', 'app:1', 'app');
  });
  after(() => sandbox.dispose());

  const layersOf = async (image: string) => {
    const [facts] = JSON.parse(await sandbox.hawser('image', 'inspect', image));
    return facts.RootFS.Layers as readonly string[];
  };

  it('merges layers, says what that saves, and changes no file', async () => {
    const merged = await sandbox.try(['image', 'merge', '--from', '2', '-t', 'app:merged', 'app:1']);
    expect(merged.code, merged.stderr).to.equal(0);
    expect(merged.stderr).to.match(/^3 layers of \S+MB became one of \S+MB, uncompressed: 2\.5\d?MB saved$/m);
    expect(await layersOf('app:1')).to.have.length(4);
    expect(await layersOf('app:merged')).to.have.length(2);
    expect(await sandbox.hawser('image', 'diff', 'app:1', 'app:merged')).to.equal('');
    expect(await sandbox.hawser('run', '--rm', 'app:merged')).to.equal('keep\nmore');
    const again = await sandbox.hawser('image', 'merge', '--from', '2', '-q', '-t', 'app:again', 'app:1');
    expect(again).to.equal(merged.stdout.trim());
  });

  it('squashes a build to one layer on its base image, and leaves an unmerged range as it is', async () => {
    const squashed = await sandbox.hawser('build', '--squash', '-q', '-t', 'app:squashed', 'app');
    expect(await layersOf('app:squashed')).to.deep.equal(await layersOf('app:merged'));
    expect(await sandbox.hawser('build', '--squash', '-q', 'app')).to.equal(squashed);
    const one = await sandbox.hawser(
      'image',
      'merge',
      '-q',
      '--from',
      '1',
      '--to',
      '1',
      '-t',
      'app:one',
      'app:1',
    );
    expect(one).to.equal((await sandbox.hawser('images', '-q', '--no-trunc', 'app:1')).split('\n')[0]);
  });

  it('refuses layers that are not there', async () => {
    for (const flags of [
      ['--from', '9'],
      ['--from', '3', '--to', '2'],
      ['--all', '--to', '2'],
    ]) {
      const { code, stderr } = await sandbox.try(['image', 'merge', ...flags, '-t', 'app:no', 'app:1']);
      expect(code).to.equal(2);
      expect(stderr).to.include('INVALID_ARGUMENT');
    }
    expect((await sandbox.try(['image', 'explore', 'app:no'])).stderr).to.include('IMAGE_UNKNOWN');
  });

  it('lists what differs, by layer, as text and as JSON', async () => {
    const text = await sandbox.hawser('image', 'diff', 'busybox', 'app:1');
    expect(text).to.match(/^in layer 3: RUN rm \/data\/big/m);
    expect(text).to.match(/^A \/data$/m);
    expect(text).to.match(/^in layer 4: RUN echo more.*\n(?:[AC] .*\n)*A \/data\/kept\nA \/data\/twin$/m);
    expect(text).to.match(/^removed from layer 1/m);
    expect(text).to.match(/^D \/etc\/group$/m);
    expect(text).not.to.match(/^. \/data\/big/m);
    const lines = (await sandbox.hawser('image', 'diff', '--format', 'json', 'app:1', 'busybox')).split('\n');
    const rows = lines.map(line => JSON.parse(line) as { readonly Kind: string; readonly Path: string });
    expect(rows.find(({ Path }) => Path === '/data')).to.include({ Kind: 'D' });
    expect(rows.find(({ Path }) => Path === '/etc/group')).to.include({ Kind: 'A' });
  });

  it('tells what each layer brings and wastes', async () => {
    const { layers, waste, wasted } = JSON.parse(
      await sandbox.hawser('image', 'explore', '--format', 'json', 'app:1'),
    ) as Explored;
    expect(layers.map(layer => layer.waste > 0)).to.deep.equal([true, true, false, false]);
    expect(layers[1]?.waste).to.equal(2_500_005);
    expect(waste).to.be.above(2_500_005);
    expect(wasted[0]).to.deep.equal({ path: '/data/big', size: 2_500_000, layer: 2, hiddenBy: 3 });
    expect(await sandbox.hawser('image', 'explore', 'app:1')).to.match(/^2\.5MB +2 +3 +\/data\/big$/m);
  });

  describe('the page of image explore', () => {
    let browser: BrowserContext;
    before(async () => {
      await sandbox.hawser('image', 'explore', '--html', join(sandbox.folder, 'app.html'), 'app:1');
      browser = await chromium.launchPersistentContext(join(sandbox.folder, 'chromium'), {
        executablePath: '/usr/bin/chromium',
        args: chromiumArgs,
        viewport: { width: 1280, height: 900 },
      });
    });
    after(() => browser?.close());

    it('shows layers, a map of the files and the waste, and asks for nothing', async () => {
      const page = await browser.newPage();
      const requests: string[] = [];
      const errors: string[] = [];
      page.on('request', request => requests.push(request.url()));
      page.on('pageerror', error => errors.push(error.message));
      page.on('console', message => errors.push(message.text()));
      const url = pathToFileURL(join(sandbox.folder, 'app.html')).href;
      await page.goto(url);
      expect(await page.title()).to.equal('app:1 – layers');
      expect(await page.locator('#layers li').count()).to.equal(4);
      const map = await page.locator('#map').boundingBox();
      const odd = await page.locator('.tile[data-path="/data/<b>odd"]').innerText();
      expect(odd, 'names are text').to.equal('<b>odd');
      expect(await page.locator('#map b').count()).to.equal(0);
      const tiles = await page.locator('#map > .tile:not(.folder)').evaluateAll(found =>
        found.map(tile => {
          const { left, top, right, bottom } = tile.getBoundingClientRect();
          return { left, top, right, bottom };
        }),
      );
      expect(tiles.length).to.be.above(1);
      for (const { left, top, right, bottom } of tiles) {
        expect(left).to.be.at.least((map?.x ?? 0) - 1);
        expect(top).to.be.at.least((map?.y ?? 0) - 1);
        expect(right).to.be.at.most((map?.x ?? 0) + (map?.width ?? 0) + 1);
        expect(bottom).to.be.at.most((map?.y ?? 0) + (map?.height ?? 0) + 1);
      }
      expect(await page.locator('#waste tbody tr').first().innerText()).to.match(
        /2\.5 MB\s+\/data\/big\s+2\s+3/,
      );
      await page.locator('#layers button[data-layer="3"]').click();
      expect(await page.locator('#hint').innerText()).to.match(/^Layer 3: RUN rm \/data\/big/);
      expect(await page.locator('.tile.faint').count()).to.be.above(0);
      await page.locator('#layers button[data-layer="3"]').click();
      await page.locator('.tile[data-path="/data"]').focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('#path').innerText()).to.match(/^app:1\s*\/\s*data/);
      expect(await page.locator('.tile[data-path^="/bin"]').count()).to.equal(0);
      await page.locator('#path button').first().click();
      await page.locator('#find').fill('KEPT');
      expect(await page.locator('.tile.faint').count()).to.be.above(0);
      expect(errors).to.deep.equal([]);
      expect(requests).to.deep.equal([url]);
    });
  });
});
