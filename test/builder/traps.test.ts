import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { resolveImage } from '../../src/content/resolve-image.ts';
import { digestOf } from '../../src/image/digest.ts';
import { compressLayer } from '../../src/layers/compress-layer.ts';
import { readTar } from '../../src/tar/reader.ts';
import { textOf } from '../../src/util/byte-string.ts';
import { collect } from '../content/conformance.ts';
import { addBusybox, BuildSandbox, type ContextFile, errorOf, whyNoRun } from './support.ts';

/** Traps of layers and of the cache that no other file tries by number. */
describe('traps of a build', () => {
  let sandbox: BuildSandbox;
  before(async function () {
    const reason = whyNoRun();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    sandbox = await BuildSandbox.open();
    await addBusybox(sandbox.store);
  });
  after(() => sandbox?.close());

  const build = (
    text: string,
    files: Readonly<Record<string, ContextFile>> = {},
    options: Partial<BuildOptions> = {},
  ) => sandbox.build(sandbox.context({ ...files, Dockerfile: text }), options);
  const states = ({ log }: Awaited<ReturnType<typeof build>>) => log.steps.map(step => step.split(' ')[0]);

  it('trap 46: what only the config of Docker has is in an OCI image too', async () => {
    const { image } = await build('FROM busybox\nHEALTHCHECK CMD true\nONBUILD RUN x\nSHELL ["a"]\nCMD b\n');
    expect(image.manifest.value.config.mediaType).to.equal('application/vnd.oci.image.config.v1+json');
    expect(JSON.parse(Buffer.from(image.config.bytes).toString()).config).to.deep.include({
      Healthcheck: { Test: ['CMD-SHELL', 'true'] },
      OnBuild: ['RUN x'],
      Shell: ['a'],
      ArgsEscaped: true,
    });
  });

  it('trap 62: a folder that was renamed, and a file whose mode changed, are whole in the layer', async () => {
    const { image } = await build(
      'FROM busybox\nRUN mkdir /d && echo content > /d/f && echo content > /g\nRUN mv /d /e && chmod 600 /g\n',
    );
    expect(await sandbox.layer(image, -1)).to.deep.equal([
      '-0000 0:0 .wh.d',
      'd0755 0:0 e',
      '-0644 0:0 e/f',
      '-0600 0:0 g',
    ]);
    expect(await sandbox.fileIn(image, 'e/f')).to.equal('content\n');
    expect(await sandbox.fileIn(image, 'g')).to.equal('content\n');
  });

  it('trap 64: diffIDs are of the plain archives, whatever compresses them', async () => {
    const { image } = await build('FROM scratch\nCOPY f /\n', { f: 'f'.repeat(10_000) });
    const [diffID] = image.config.value.rootfs.diff_ids;
    const [layer] = image.manifest.value.layers;
    if (layer === undefined) throw new Error('no layer');
    expect(digestOf(await collect(sandbox.store.open(layer.digest)))).to.equal(diffID);
    const compressed = await compressLayer(sandbox.store, layer, { compression: 'gzip' });
    expect(digestOf(gunzipSync(await collect(sandbox.store.open(compressed.digest))))).to.equal(diffID);
  });

  it('trap 69: a tag stands for one image throughout a build, and a moved tag is another one', async () => {
    await build('FROM busybox\nRUN echo 1 > /version\n', {}, { tags: ['moving'] });
    const text = 'FROM moving AS a\nRUN cat /version\nFROM moving\nCOPY --from=a /version /v\n';
    const first = await resolveImage(sandbox.store, 'moving');
    let asked = 0;
    const images = {
      resolve: async () => {
        asked++;
        return first;
      },
    };
    const context = sandbox.context({ Dockerfile: text });
    await sandbox.build(context, { pull: true }, { images });
    expect(asked).to.equal(1);
    expect(states(await build(text))).to.deep.equal(['cached', 'cached']);
    await build('FROM busybox\nRUN echo 2 > /version\n', {}, { tags: ['moving'] });
    const moved = await build(text);
    expect(states(moved)).to.deep.equal(['done', 'done']);
    expect(moved.log.output).to.equal('2\n');
  });

  it('trap 70: names for --chown are those of the files below, also in the cache', async () => {
    const text = (uid: number) =>
      `FROM busybox\nRUN echo "who:x:${uid}:${uid}::/:/bin/sh" >> /etc/passwd\nCOPY --chown=who f /f\n`;
    const { image } = await build(text(70), { f: '' });
    expect(await sandbox.layer(image, -1)).to.deep.equal(['-0644 70:70 f']);
    const other = await build(text(71), { f: '' });
    expect(states(other)).to.deep.equal(['done', 'done']);
    expect(await sandbox.layer(other.image, -1)).to.deep.equal(['-0644 71:71 f']);
  });

  it('trap 71: numbers of stages count those that are not built, and a cached stage asks for no other', async () => {
    const text =
      'FROM busybox AS unused\nRUN false\nFROM busybox\nRUN echo one > /f\nFROM busybox\nCOPY --from=1 /f /g\nFROM scratch\nCOPY --from=2 /g /h\n';
    const { image } = await build(text);
    expect(await sandbox.fileIn(image, 'h')).to.equal('one\n');
    const context = sandbox.context({ Dockerfile: text });
    const openSnapshotter = () => Promise.reject(new Error('a snapshot was asked for'));
    const { log } = await sandbox.build(context, {}, { openSnapshotter });
    expect(log.steps.every(step => step.startsWith('cached'))).to.equal(true);
  });

  describe('trap 72: SOURCE_DATE_EPOCH', () => {
    const epoch = 1_000_000_000;
    const time = '2001-09-09T01:46:40.000Z';
    const text = 'FROM dated\nRUN touch -d "2000-01-01 00:00:00" /old && touch /new\nLABEL a=b\n';
    before(() => build('FROM busybox\nRUN touch /base\n', {}, { tags: ['dated'] }));

    const timesOf = async (bytes: Uint8Array) => {
      const times = new Map<string, number>();
      for await (const { entry } of readTar([bytes])) times.set(textOf(entry.name), entry.mtime.seconds);
      return times;
    };

    for (const [name, options, head] of [
      ['of the environment', { sourceDateEpoch: epoch }, ''],
      ['of --build-arg', { buildArgs: { SOURCE_DATE_EPOCH: String(epoch) } }, ''],
      ['of a global ARG', {}, `ARG SOURCE_DATE_EPOCH=${epoch}\n`],
    ] as const) {
      it(`${name} sets what is new, and leaves older files and the base`, async () => {
        const base = await resolveImage(sandbox.store, 'dated');
        const { image } = await build(head + text, {}, options);
        const { created, history = [] } = image.config.value;
        expect(created).to.equal(time);
        expect(history.slice(0, -2)).to.deep.equal(base.config.value.history);
        expect(history.slice(-2).map(entry => entry.created)).to.deep.equal([time, time]);
        expect(image.manifest.value.layers.slice(0, -1)).to.deep.equal(base.manifest.value.layers);
        const layer = await collect(sandbox.store.open(image.manifest.value.layers.at(-1)?.digest as never));
        expect(await timesOf(layer)).to.deep.equal(
          new Map([
            ['new', epoch],
            ['old', 946_684_800],
          ]),
        );
      });
    }

    it('counts for archives and folders that come out', async () => {
      const out = sandbox.path('dated-out');
      mkdirSync(out);
      const outputs = (['tar', 'local'] as const).map(type => ({ type, dest: `${out}/${type}` }));
      await build(text, {}, { outputs, sourceDateEpoch: epoch });
      const times = await timesOf(readFileSync(`${out}/tar`));
      expect(new Set(times.values())).to.deep.equal(new Set([epoch]));
      expect(statSync(`${out}/local/new`).mtimeMs).to.equal(epoch * 1000);
      expect(statSync(`${out}/local/old`).mtimeMs).to.equal(epoch * 1000);
    });

    it('is an ARG that stages see, and is refused where it is no number', async () => {
      const see = 'FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo $SOURCE_DATE_EPOCH\n';
      expect((await build(see, {}, { sourceDateEpoch: 5 })).log.output).to.equal('5\n');
      const error = await errorOf(() => build(see, {}, { buildArgs: { SOURCE_DATE_EPOCH: 'yesterday' } }));
      expect(error.code).to.equal('INVALID_ARGUMENT');
    });
  });
});
