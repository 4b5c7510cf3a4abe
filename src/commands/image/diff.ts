import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageDiff extends BaseCommand {
  static override readonly summary = 'List the files that differ between two images, by layer';
  static override readonly description =
    'A is added, C changed, D removed. Of a removed folder only itself is listed.';
  static override readonly examples = ['hawser image diff app:1 app:2'];
  static override readonly args = {
    before: Args.string({ required: true, description: 'an image' }),
    after: Args.string({ required: true, description: 'another' }),
  };
  static override readonly flags = {
    format: Flags.string({
      options: ['text', 'json'],
      default: 'text',
      description: 'json is one object a line',
    }),
    'ignore-times': Flags.boolean({ description: 'take a file that only has another time for unchanged' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageDiff);
    const [{ resolveImage }, { compareImages }, { layersOf }, output] = await Promise.all([
      import('../../content/resolve-image.ts'),
      import('../../layers/compare-images.ts'),
      import('../../layers/unpack-image.ts'),
      import('../../cli/diff-output.ts'),
    ]);
    const store = await openImages(this.roots);
    const before = await resolveImage(store, args.before);
    const after = await resolveImage(store, args.after);
    const layers = (image: typeof before) => layersOf(image.manifest.value, image.config.value);
    const changes = await compareImages(
      store,
      { before: layers(before), after: layers(after) },
      { ignoreTimes: flags['ignore-times'], signal: this.signal },
    );
    const configs = { before: before.config.value, after: after.config.value };
    const rows = output.diffRows(changes, configs);
    if (flags.format === 'json') for (const row of rows) this.print(JSON.stringify(row));
    else for (const line of output.diffLines(rows)) this.print(line);
  }
}
