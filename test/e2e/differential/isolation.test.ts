import { expect } from 'chai';
import { Sandbox } from '../support/sandbox.ts';
import { buildCase, exportImages, type Failure, inParallel, makeBase } from './builders.ts';
import type { ComparedCase } from './case.ts';
import { layerCases } from './cases/layers.ts';
import { runCases } from './cases/run.ts';
import { compareImages } from './compare.ts';
import type { ArchivedImage } from './image-archive.ts';

const cases = [...runCases, ...layerCases];
/** Without a runtime there is no seccomp filter. */
const differs = /^seccomp and no new privileges/;

interface Built {
  readonly failures: ReadonlyMap<ComparedCase, Failure>;
  readonly images: ReadonlyMap<string, ArchivedImage>;
}

/** The same layers with runc and without it. */
describe('the two isolations of RUN', function () {
  this.timeout(600_000);
  const start = Math.floor(Date.now() / 1000) - 1;
  const sandboxes: Sandbox[] = [];
  const built = new Map<string, Built>();

  before(async () => {
    for (const isolation of ['oci', 'chroot']) {
      const sandbox = await Sandbox.create();
      sandboxes.push(sandbox);
      await makeBase(sandbox);
      const failures = new Map<ComparedCase, Failure>();
      await inParallel(cases, 3, async (test, index) => {
        const args = [...(test.args ?? []), '--isolation', isolation];
        failures.set(test, (await buildCase({ ...test, args }, `case-${index}`, { sandbox })).hawser);
      });
      const names = cases.flatMap((test, index) =>
        failures.get(test) === undefined ? [`case-${index}:latest`] : [],
      );
      built.set(isolation, { failures, images: (await exportImages(names, { sandbox })).hawser });
    }
  });
  after(async () => {
    for (const sandbox of sandboxes) await sandbox.dispose();
  });

  for (const [index, test] of cases.entries()) {
    it(test.name, () => {
      const [oci, chroot] = [built.get('oci'), built.get('chroot')] as [Built, Built];
      if (oci.failures.get(test) !== undefined) {
        expect(chroot.failures.get(test)).to.be.a('string');
        return;
      }
      expect(chroot.failures.get(test)).to.equal(undefined);
      if (differs.test(test.name)) return;
      const [ours, theirs] = [oci, chroot].map(({ images }) => images.get(`case-${index}:latest`));
      if (ours === undefined || theirs === undefined) throw new Error('no image');
      expect(compareImages(ours, theirs, { start }).join('\n')).to.equal('');
    });
  }
});
