import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';
import { requireWords } from '../../cli/require-words.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class ImageSave extends BaseCommand {
  static override readonly summary = 'Write images into one tar archive';
  static override readonly aliases = ['save'];
  static override readonly usage = 'image save [-o FILE] [--format docker|oci] IMAGE [IMAGE...]';
  static override readonly strict = false;
  static override readonly flags = {
    output: Flags.string({ char: 'o', description: 'the file; stdout without it' }),
    format: Flags.string({
      options: ['docker', 'oci'],
      default: 'docker',
      description: 'docker is an OCI layout too',
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageSave);
    const names = requireWords(argv, 'an image');
    if (flags.output === undefined && process.stdout.isTTY) {
      throw new HawserError('INVALID_ARGUMENT', 'will not write an archive to a terminal', {
        remedy: 'Use -o FILE, or redirect stdout.',
      });
    }
    const { saveImages } = await import('../../content/archive/save.ts');
    const store = await openImages(this.roots);
    const format = flags.format === 'oci' ? 'oci' : 'docker';
    const archive = saveImages(store, names, { format, signal: this.signal });
    if (flags.output === undefined) {
      await pipeline(Readable.from(archive), process.stdout, { end: false });
      return;
    }
    const { writeWholeFile } = await import('../../util/whole-file.ts');
    await writeWholeFile(flags.output, archive);
  }
}
