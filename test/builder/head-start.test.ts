import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { BuildSandbox, errorOf } from './support.ts';

/** More files than are hashed before the copy begins beside it. */
const files = Object.fromEntries(
  Array.from({ length: 1000 }, (_, index) => [`tree/d${index % 10}/f${index}`, `${index}`]),
);

describe('a copy that begins before its key is known', () => {
  let sandbox: BuildSandbox;
  beforeEach(async () => {
    sandbox = await BuildSandbox.open();
  });
  afterEach(() => sandbox.close());

  const forget = (...what: readonly string[]) => {
    for (const name of what) rmSync(sandbox.path('root/build-cache', name), { recursive: true, force: true });
  };
  /** What is left of snapshots that were begun. */
  const active = () =>
    ['overlay', 'copy'].flatMap(kind => {
      const folder = sandbox.path('root/snapshots', kind, 'active');
      return existsSync(folder) ? readdirSync(folder) : [];
    });

  it('gives the layer that a copy after it gives', async () => {
    const context = sandbox.context({ ...files, Dockerfile: 'FROM scratch\nCOPY tree /t\n' });
    const early = await sandbox.build(context, { sourceDateEpoch: 1 });
    forget('steps', 'contexts');
    const alone = await sandbox.build(context, { jobs: 1, sourceDateEpoch: 1 });
    expect(alone.log.steps).to.deep.equal(['done [2/2] COPY tree /t']);
    expect(alone.image.manifest.value.layers).to.deep.equal(early.image.manifest.value.layers);
  });

  it('is given up where the cache has its result', async () => {
    const context = sandbox.context({ ...files, Dockerfile: 'FROM scratch\nCOPY tree /t\n' });
    const first = await sandbox.build(context);
    forget('contexts');
    const { log, imageID } = await sandbox.build(context);
    expect(log.steps).to.deep.equal(['cached [2/2] COPY tree /t']);
    expect(imageID).to.equal(first.imageID);
    expect(active()).to.deep.equal([]);
  });

  it('is given up where another step makes the same', async () => {
    const text = 'FROM scratch AS a\nCOPY tree /t\nFROM scratch\nCOPY tree /t\nCOPY --from=a /t/d0 /u\n';
    const { log } = await sandbox.build(sandbox.context({ ...files, Dockerfile: text }));
    // Whichever is first.
    const ends = log.steps.slice(0, 2).map(step => step.replace(/ \[.*/, ''));
    expect([...ends].sort()).to.deep.equal(['cached', 'done']);
    expect(log.steps.at(-1)).to.equal('done [stage-1 3/3] COPY --from=a /t/d0 /u');
    expect(active()).to.deep.equal([]);
  });

  it('fails as one after it does', async () => {
    const context = sandbox.context({
      ...files,
      file: '',
      Dockerfile: 'FROM scratch\nCOPY file /t\nCOPY tree /t\n',
    });
    const error = await errorOf(() => sandbox.build(context));
    expect(error.code).to.equal('CONFLICT');
    expect(error.location?.line).to.equal(3);
    expect(active()).to.deep.equal([]);
  });

  it('never leaves a layer in the cache under what the files were', async () => {
    const context = sandbox.context({ ...files, Dockerfile: 'FROM scratch\nCOPY tree /t\n' });
    const environment = sandbox.environment();
    // The snapshots are asked for when the copy begins, in the middle of the hashing.
    const openSnapshotter = () => {
      for (const path of ['d0/f0', 'd9/f999']) writeFileSync(`${context}/tree/${path}`, 'other');
      return environment.openSnapshotter();
    };
    await sandbox.build(context, {}, { openSnapshotter });
    const { image } = await sandbox.build(context);
    expect(await sandbox.fileIn(image, 't/d0/f0')).to.equal('other');
    expect(await sandbox.fileIn(image, 't/d9/f999')).to.equal('other');
  });
});
