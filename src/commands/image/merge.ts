import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageMerge extends BaseCommand {
  static override readonly summary = 'Make one layer of several: equal files, without what later layers hide';
  static override readonly examples = [
    'hawser image merge --all -t app:slim app:1',
    'hawser image merge --from 2 --to 5 -t app:slim app:1',
  ];
  static override readonly args = { image: Args.string({ required: true }) };
  static override readonly flags = {
    tag: Flags.string({ char: 't', required: true, description: 'name of the new image', helpValue: 'NAME' }),
    from: Flags.string({
      description: 'the lowest layer, by its number from 1 or digits of its digest; default the first',
      helpValue: 'LAYER',
    }),
    to: Flags.string({ description: 'the uppermost layer; default the last', helpValue: 'LAYER' }),
    all: Flags.boolean({ description: 'every layer: the default', exclusive: ['from', 'to'] }),
    quiet: Flags.boolean({ char: 'q', description: "only the image's id" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageMerge);
    const [{ parseTagTarget }, { resolveImage }, { mergeImage }, { parseLayerRange }, { layersOf }] =
      await Promise.all([
        import('../../cli/tag-target.ts'),
        import('../../content/resolve-image.ts'),
        import('../../layers/merge-image.ts'),
        import('../../layers/layer-range.ts'),
        import('../../layers/unpack-image.ts'),
      ]);
    const name = parseTagTarget(flags.tag);
    const store = await openImages(this.roots);
    const lease = await store.leases.acquire('merge');
    try {
      const image = await resolveImage(store, args.image);
      await lease.add(image.manifest.digest);
      const range = parseLayerRange(layersOf(image.manifest.value, image.config.value), flags);
      const count = range.to - range.from + 1;
      if (count < 2) {
        // Nothing to do, but the name is what was asked for.
        const { mediaType, digest, bytes } = image.manifest;
        await store.references.set(name, { mediaType, digest, size: bytes.length });
        if (!flags.quiet) this.note('There is one layer in the range: nothing to merge.');
        this.print(image.config.digest);
        return;
      }
      const merged = await mergeImage(store, image, { range, lease, signal: this.signal });
      for (const { digest, bytes } of [merged.config, merged.manifest]) {
        await store.ingest([bytes], { digest, size: bytes.length, lease });
      }
      const { mediaType, digest, bytes } = merged.manifest;
      await store.references.set(name, { mediaType, digest, size: bytes.length });
      const { sizeBefore, size } = merged.layer;
      if (!flags.quiet) {
        const saved = sizeBefore >= size ? `${humanSize(sizeBefore - size)} saved` : 'nothing saved';
        this.note(
          `${count} layers of ${humanSize(sizeBefore)} became one of ${humanSize(size)}, uncompressed: ${saved}`,
        );
      }
      this.print(merged.config.digest);
    } finally {
      await lease.release();
    }
  }
}
