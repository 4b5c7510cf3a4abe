import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImagePull extends BaseCommand {
  static override readonly summary = 'Fetch an image from a registry';
  static override readonly aliases = ['pull'];
  static override readonly examples = [
    'hawser pull debian:12',
    'hawser pull --platform linux/arm64 localhost:5000/app',
  ];
  static override readonly args = {
    image: Args.string({ required: true, description: '[HOST[:PORT]/]NAME[:TAG|@DIGEST]' }),
  };
  static override readonly flags = {
    platform: Flags.string({ description: 'of an index, the image for this platform', helpValue: 'OS/ARCH' }),
    quiet: Flags.boolean({ char: 'q', description: 'no progress' }),
    unpack: Flags.boolean({ description: 'unpack the layers too; otherwise the first run or build does' }),
    'plain-http': Flags.boolean({ description: 'http, for a registry that is not on loopback' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImagePull);
    const [{ pullIntoStore, openSnapshots }, { parsePlatform }] = await Promise.all([
      import('../../cli/prepare-image.ts'),
      import('../../image/platform.ts'),
    ]);
    const store = await openImages(this.roots);
    const image = await pullIntoStore(store, args.image, {
      quiet: flags.quiet,
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
      plainHttp: flags['plain-http'],
      ...(flags.unpack ? { snapshotter: await openSnapshots(this.roots) } : {}),
      signal: this.signal,
    });
    if (!flags.quiet) this.note(`Digest: ${image.descriptor.digest}`);
    this.print(image.name ?? args.image);
  }
}
