import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { inspectLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ImageInspect extends BaseCommand {
  static override readonly summary = 'Show all about images, as JSON';
  static override readonly usage = 'image inspect [--format TEMPLATE] IMAGE [IMAGE...]';
  static override readonly strict = false;
  static override readonly flags = {
    format: Flags.string({ char: 'f', description: 'json, or a template such as {{.Config.Env}}' }),
    platform: Flags.string({ description: 'of an index, the image for this platform', helpValue: 'OS/ARCH' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageInspect);
    const { resolveImage } = await import('../../content/resolve-image.ts');
    const { parsePlatform } = await import('../../image/platform.ts');
    const { inspectImage } = await import('../../cli/image-inspect.ts');
    const store = await openImages(this.roots);
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
    const images: object[] = [];
    for (const name of requireWords(argv, 'an image')) {
      images.push(await inspectImage(store, await resolveImage(store, name, { platform })));
    }
    for (const line of inspectLines(images, flags.format)) this.print(line);
  }
}
