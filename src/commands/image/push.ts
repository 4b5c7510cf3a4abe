import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImagePush extends BaseCommand {
  static override readonly summary = 'Bring an image to a registry';
  static override readonly aliases = ['push'];
  static override readonly args = {
    image: Args.string({ required: true, description: '[HOST[:PORT]/]NAME[:TAG]' }),
  };
  static override readonly flags = {
    platform: Flags.string({
      description: 'of an index, only the image for this platform',
      helpValue: 'OS/ARCH',
    }),
    compression: Flags.string({
      options: ['gzip', 'zstd', 'uncompressed'],
      default: 'gzip',
      description: 'of layers that are not compressed yet',
    }),
    'compression-level': Flags.integer({ description: 'gzip 1–9, zstd 1–19' }),
    'all-tags': Flags.boolean({
      char: 'a',
      description: 'all images of the repository; IMAGE has no tag then',
    }),
    quiet: Flags.boolean({ char: 'q', description: 'no progress' }),
    'plain-http': Flags.boolean({ description: 'http, for a registry that is not on loopback' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImagePush);
    const [{ pushFromStore }, { parsePlatform }] = await Promise.all([
      import('../../cli/push-image.ts'),
      import('../../image/platform.ts'),
    ]);
    const pushing = pushFromStore(await openImages(this.roots), args.image, {
      compression: flags.compression as 'gzip' | 'zstd' | 'uncompressed',
      level: flags['compression-level'],
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
      allTags: flags['all-tags'],
      quiet: flags.quiet,
      plainHttp: flags['plain-http'],
      signal: this.signal,
    });
    for await (const { name, descriptor } of pushing) {
      if (!flags.quiet) this.note(`${name}: digest: ${descriptor.digest} size: ${descriptor.size}`);
      this.print(name);
    }
  }
}
