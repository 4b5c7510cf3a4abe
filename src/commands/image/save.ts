import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';
import { requireWords } from '../../cli/require-words.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';

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
    const archive = Readable.from(saveImages(store, names, { format, signal: this.signal }));
    if (flags.output === undefined) {
      await pipeline(archive, process.stdout, { end: false });
      return;
    }
    await writeWhole(flags.output, archive);
  }
}

/** Writes beside the target and renames, so that a failure leaves nothing half-made. */
async function writeWhole(path: string, archive: Readable): Promise<void> {
  const { rename, rm } = await import('node:fs/promises');
  const { temporaryPathFor } = await import('../../util/atomic-file.ts');
  const temporary = temporaryPathFor(path);
  try {
    await pipeline(archive, createWriteStream(temporary, { highWaterMark: 1 << 20 }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = systemErrorCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new HawserError('NO_SPACE', `write ${path}: no space left on the disk`, { cause: error });
  }
}
