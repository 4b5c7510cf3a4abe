import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageExplore extends BaseCommand {
  static override readonly summary =
    "Show each layer's files, their sizes, and what later layers waste of them";
  static override readonly examples = [
    'hawser image explore app:1',
    'hawser image explore --html app.html app:1',
  ];
  static override readonly args = { image: Args.string({ required: true }) };
  static override readonly flags = {
    format: Flags.string({ options: ['table', 'json'], default: 'table', description: 'json is one object' }),
    html: Flags.string({
      description: 'write a page with a map of all files, which needs nothing but itself',
      helpValue: 'FILE',
    }),
    'no-trunc': Flags.boolean({ description: 'whole texts, and all files that are wasted' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageExplore);
    const [{ resolveImage }, { exploreImage }, output] = await Promise.all([
      import('../../content/resolve-image.ts'),
      import('../../layers/explore-image.ts'),
      import('../../cli/explore-output.ts'),
    ]);
    const store = await openImages(this.roots);
    const image = await resolveImage(store, args.image);
    const explored = await exploreImage(store, image, { signal: this.signal });
    if (flags.html !== undefined) {
      const { explorePage } = await import('../../cli/explore-page.ts');
      const { writeFileAtomic } = await import('../../util/atomic-file.ts');
      await writeFileAtomic(flags.html, explorePage(explored, args.image));
      this.note(`The page is ${flags.html}.`);
    }
    const lines =
      flags.format === 'json'
        ? [output.exploreJson(explored, image.config.digest)]
        : output.exploreLines(explored, { whole: flags['no-trunc'] });
    for (const line of lines) this.print(line);
  }
}
