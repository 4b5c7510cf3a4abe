import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openArchive } from '../../cli/open-archive.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageImport extends BaseCommand {
  static override readonly summary = 'Make an image of one layer from a tar of a root file system';
  static override readonly aliases = ['import'];
  static override readonly examples = ['hawser image import --change \'CMD ["sh"]\' rootfs.tar base:1'];
  static override readonly args = {
    file: Args.string({ required: true, description: 'the archive, plain or gzip; - for stdin' }),
    name: Args.string({ description: 'name of the image' }),
  };
  static override readonly flags = {
    change: Flags.string({
      char: 'c',
      multiple: true,
      multipleNonGreedy: true,
      description:
        'a Dockerfile line for the config: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR, …',
      helpValue: 'LINE',
    }),
    message: Flags.string({ char: 'm', description: 'comment of the history entry' }),
    platform: Flags.string({ description: "the image's platform", helpValue: 'OS/ARCH' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageImport);
    const [{ importArchive }, { parsePlatform }, { parseTagTarget }, { configOfChanges }] = await Promise.all(
      [
        import('../../content/archive/import.ts'),
        import('../../image/platform.ts'),
        import('../../cli/tag-target.ts'),
        import('../../cli/image-changes.ts'),
      ],
    );
    const name = args.name === undefined ? undefined : parseTagTarget(args.name);
    const config = await configOfChanges(flags.change ?? []);
    const store = await openImages(this.roots);
    const descriptor = await importArchive(store, await openArchive(args.file), {
      ...(name === undefined ? {} : { name }),
      ...(flags.message === undefined ? {} : { message: flags.message }),
      ...(flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }),
      config,
      signal: this.signal,
    });
    this.print(descriptor.digest);
  }
}
