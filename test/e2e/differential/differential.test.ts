import { expect } from 'chai';
import { DockerDaemon } from '../support/dockerd.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type AllowedDifference, allowedDifferences } from './allowed.ts';
import { type BuiltCase, buildCase, exportImages, inParallel, makeBase } from './builders.ts';
import type { ComparedCase } from './case.ts';
import { addCases } from './cases/add.ts';
import { configCases } from './cases/config.ts';
import { copyCases } from './cases/copy.ts';
import { layerCases } from './cases/layers.ts';
import { parsingCases } from './cases/parsing.ts';
import { runCases } from './cases/run.ts';
import { variableCases } from './cases/variables.ts';
import { compareImages } from './compare.ts';

const groups: Readonly<Record<string, readonly ComparedCase[]>> = {
  COPY: copyCases,
  ADD: addCases,
  RUN: runCases,
  layers: layerCases,
  configuration: configCases,
  variables: variableCases,
  'text and stages': parsingCases,
};

const cases = Object.values(groups).flat();

/** Both builders at work on the same cases, and what came out of it. */
describe('hawser and BuildKit', function () {
  this.timeout(600_000);
  const start = Math.floor(Date.now() / 1000) - 1;
  const built = new Map<ComparedCase, BuiltCase>();
  const used = new Map<AllowedDifference, number>();
  let sandbox: Sandbox;
  let daemon: DockerDaemon;
  let images: Awaited<ReturnType<typeof exportImages>>;

  before(async () => {
    [sandbox, daemon] = await Promise.all([Sandbox.create(), DockerDaemon.start()]);
    await makeBase(sandbox);
    await sandbox.hawser('image', 'save', '-o', `${sandbox.folder}/base.tar`, 'busybox', 'bare');
    await daemon.docker('load', '-i', `${sandbox.folder}/base.tar`);
    await inParallel(cases, 4, async (test, index) => {
      built.set(test, await buildCase(test, `case-${index}`, { sandbox, daemon }));
    });
    const both = [...built.values()].filter(
      ({ hawser, buildkit }) => hawser === undefined && buildkit === undefined,
    );
    images = await exportImages(
      both.map(({ tag }) => tag),
      { sandbox, daemon },
    );
  });
  after(async () => {
    await Promise.all([sandbox?.dispose(), daemon?.stop()]);
  });

  it('have cases enough, each with a name of its own', () => {
    expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length);
    expect(cases.length).to.be.at.least(100);
  });

  for (const [group, members] of Object.entries(groups)) {
    describe(group, () => {
      for (const test of members) {
        it(test.name, () => {
          const { tag, hawser, buildkit } = built.get(test) as BuiltCase;
          if (test.fails === true) {
            expect(hawser, 'hawser builds it').to.be.a('string');
            expect(buildkit, 'BuildKit builds it').to.be.a('string');
            return;
          }
          if (hawser !== undefined) throw new Error(`hawser fails:\n${hawser}`);
          if (buildkit !== undefined) throw new Error(`BuildKit fails:\n${buildkit}`);
          const [ours, theirs] = [images.hawser.get(tag), images.buildkit.get(tag)];
          if (ours === undefined || theirs === undefined) throw new Error(`no image ${tag}`);
          const lines = compareImages(ours, theirs, { start }).filter(line => {
            const allowed = allowedDifferences.find(
              ({ lines: pattern, cases: only }) =>
                pattern.test(line) && (only === undefined || only.test(test.name)),
            );
            if (allowed !== undefined) used.set(allowed, (used.get(allowed) ?? 0) + 1);
            return allowed === undefined;
          });
          expect(lines.join('\n')).to.equal('');
        });
      }
    });
  }

  describe('what is allowed to differ', () => {
    for (const allowed of allowedDifferences) {
      it(`${allowed.name}: ${allowed.reason}`, () =>
        expect(used.has(allowed), 'it does not occur').to.equal(true));
    }
  });
});
