import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { Sandbox } from '../support/sandbox.ts';
import { type BuiltCase, buildCase, exportImages, inParallel, makeBase } from './builders.ts';
import { type WrittenCase, writtenCases } from './cases/written.ts';
import { describeLayers, summary } from './compare.ts';
import type { ArchivedImage } from './image-archive.ts';

describe('hawser and BuildKit of today', function () {
  this.timeout(300_000);
  const built = new Map<WrittenCase, BuiltCase>();
  let sandbox: Sandbox;
  let images: ReadonlyMap<string, ArchivedImage>;

  before(async () => {
    sandbox = await Sandbox.create();
    await makeBase(sandbox);
    await inParallel(writtenCases, 3, async (test, index) => {
      built.set(test, await buildCase(test, `written-${index}`, { sandbox }));
    });
    const names = [...built.values()].flatMap(({ tag, hawser }) => (hawser === undefined ? [tag] : []));
    images = (await exportImages(names, { sandbox })).hawser;
  });
  after(() => sandbox?.dispose());

  for (const test of writtenCases) {
    it(test.name, () => {
      const { tag, hawser } = built.get(test) as BuiltCase;
      if (test.fails !== undefined) {
        expect(hawser).to.contain(test.fails);
        return;
      }
      if (hawser !== undefined) throw new Error(`hawser fails:\n${hawser}`);
      const image = images.get(tag);
      if (image === undefined) throw new Error(`no image ${tag}`);
      check(test, image);
    });
  }
});

function check({ layer, contents = {}, config = {}, history }: WrittenCase, image: ArchivedImage): void {
  const layers = describeLayers(image, { start: 0 });
  if (layer !== undefined) {
    const last = [...(layers.at(-1) ?? [])].map(([path, facts]) => `${summary(facts)} ${path}`);
    expect(last).to.deep.equal(layer);
  }
  for (const [path, text] of Object.entries(contents)) {
    const found = layers.findLast(known => known.has(path))?.get(path)?.content;
    expect(found, path).to.equal(createHash('sha256').update(text).digest('hex'));
  }
  for (const [field, value] of Object.entries(config))
    expect(image.config.config?.[field], field).to.deep.equal(value);
  if (history === undefined) return;
  const texts = (image.config.history ?? []).map(entry => entry.created_by);
  expect(texts.slice(-history.length)).to.deep.equal(history);
}
