import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageTag extends BaseCommand {
  static override readonly summary = 'Give an image another name';
  static override readonly aliases = ['tag'];
  static override readonly examples = ['hawser tag nginx:1.22 127.0.0.1:5000/nginx:1.22'];
  static override readonly args = {
    source: Args.string({ required: true, description: 'name or id of an image in the store' }),
    target: Args.string({ required: true, description: 'the new name' }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(ImageTag);
    const { parseTagTarget } = await import('../../cli/tag-target.ts');
    const { resolveImage } = await import('../../content/resolve-image.ts');
    const name = parseTagTarget(args.target);
    const store = await openImages(this.roots);
    const { descriptor } = await resolveImage(store, args.source);
    await store.references.set(name, descriptor);
  }
}
