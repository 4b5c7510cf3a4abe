import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';
import { requireWords } from '../../cli/require-words.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { LayerCompression } from '../../image/media-types.ts';

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
    compression: Flags.string({
      options: ['gzip', 'zstd', 'uncompressed'],
      default: 'uncompressed',
      description: 'of layers that are not compressed yet',
    }),
    'compression-level': Flags.integer({ description: 'gzip 1–9, zstd 1–19' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageSave);
    const names = requireWords(argv, 'an image');
    if (flags.output === undefined && process.stdout.isTTY) {
      throw new HawserError('INVALID_ARGUMENT', 'will not write an archive to a terminal', {
        remedy: 'Use -o FILE, or redirect stdout.',
      });
    }
    const [{ saveImages }, { compressImage }] = await Promise.all([
      import('../../content/archive/save.ts'),
      import('../../layers/compress-image.ts'),
    ]);
    const store = await openImages(this.roots);
    const { signal } = this;
    const lease = await store.leases.acquire('save');
    const compression = flags.compression as LayerCompression;
    try {
      const archive = saveImages(store, names, {
        format: flags.format === 'oci' ? 'oci' : 'docker',
        async reform(manifest) {
          await lease.add(manifest.digest);
          const level = flags['compression-level'];
          return compressImage(store, manifest, { compression, level, lease, signal });
        },
        signal,
      });
      await writeArchive(flags.output, archive);
    } finally {
      await lease.release();
    }
  }
}

async function writeArchive(path: string | undefined, archive: AsyncIterable<Uint8Array>): Promise<void> {
  if (path === undefined) return pipeline(Readable.from(archive), process.stdout, { end: false });
  const { writeWholeFile } = await import('../../util/whole-file.ts');
  return writeWholeFile(path, archive);
}
