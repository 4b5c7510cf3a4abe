import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ImageRm extends BaseCommand {
  static override readonly summary = 'Remove images: the name, and the content that nothing else needs';
  static override readonly aliases = ['rmi', 'image:remove'];
  static override readonly usage = 'image rm [-f] IMAGE [IMAGE...]';
  static override readonly strict = false;
  static override readonly flags = {
    force: Flags.boolean({ char: 'f', description: 'all names of an id; no error for what is not there' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageRm);
    const { removeImage } = await import('../../cli/remove-image.ts');
    const { collectUnused } = await import('../../cli/collect-unused.ts');
    const store = await openImages(this.roots);
    for (const name of requireWords(argv, 'an image')) {
      for (const line of await removeImage(store, name, { force: flags.force })) this.print(line);
    }
    await collectUnused(this.roots, store);
  }
}
