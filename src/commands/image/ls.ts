import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanAge, humanSize } from '../../cli/human.ts';
import type { ImageRow } from '../../cli/image-rows.ts';
import { formatFlag, type ListColumn, listLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';

const columns = (options: { readonly full: boolean; readonly digests: boolean }): ListColumn<ImageRow>[] => [
  { title: 'REPOSITORY', cell: row => row.Repository },
  { title: 'TAG', cell: row => row.Tag },
  ...(options.digests ? [{ title: 'DIGEST', cell: (row: ImageRow) => row.Digest }] : []),
  { title: 'IMAGE ID', cell: row => (options.full ? row.ID : row.ID.slice(7, 19)) },
  { title: 'CREATED', cell: row => humanAge(row.CreatedAt) },
  { title: 'SIZE', cell: row => humanSize(row.Size) },
];

export default class ImageLs extends BaseCommand {
  static override readonly summary = 'List the images of the store';
  static override readonly aliases = ['images', 'image:list'];
  static override readonly args = { repository: Args.string({ description: 'only this REPOSITORY[:TAG]' }) };
  static override readonly flags = {
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
    'no-trunc': Flags.boolean({ description: 'whole ids' }),
    digests: Flags.boolean({ description: 'show manifest digests' }),
    all: Flags.boolean({ char: 'a', hidden: true }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageLs);
    const { listImageRows } = await import('../../cli/image-rows.ts');
    const rows = await listImageRows(await openImages(this.roots), args.repository);
    const full = flags['no-trunc'];
    if (flags.quiet) {
      for (const id of new Set(rows.map(row => row.ID))) this.print(full ? id : id.slice(7, 19));
      return;
    }
    for (const line of listLines(rows, columns({ full, digests: flags.digests }), flags.format))
      this.print(line);
  }
}
