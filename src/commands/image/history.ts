import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanAge, humanSize } from '../../cli/human.ts';
import { formatFlag, listLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';

interface HistoryRow {
  readonly ID: string;
  readonly CreatedAt: string | undefined;
  readonly CreatedBy: string;
  /** Bytes of the layer as it is stored; 0 for a step without one. */
  readonly Size: number;
  readonly Comment: string;
}

export default class ImageHistory extends BaseCommand {
  static override readonly summary = 'Show the steps that made an image, the last one first';
  static override readonly aliases = ['history'];
  static override readonly args = { image: Args.string({ required: true }) };
  static override readonly flags = {
    quiet: Flags.boolean({ char: 'q', description: 'layer digests only' }),
    'no-trunc': Flags.boolean({ description: 'whole texts' }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageHistory);
    const { resolveImage } = await import('../../content/resolve-image.ts');
    const { config, manifest } = await resolveImage(await openImages(this.roots), args.image);
    const layers = [...manifest.value.layers];
    const rows = (config.value.history ?? [{ created_by: '<no history>' }]).map((entry): HistoryRow => {
      const layer = entry.empty_layer === true ? undefined : layers.shift();
      return {
        ID: layer?.digest ?? '<missing>',
        CreatedAt: entry.created,
        CreatedBy: entry.created_by ?? '',
        Size: layer?.size ?? 0,
        Comment: entry.comment ?? '',
      };
    });
    rows.reverse();
    const short = (text: string, length: number) =>
      flags['no-trunc'] || text.length <= length ? text : `${text.slice(0, length - 1)}…`;
    const columns = [
      {
        title: 'LAYER',
        cell: (row: HistoryRow) => (flags['no-trunc'] ? row.ID : row.ID.replace(/^sha\d+:/, '').slice(0, 12)),
      },
      { title: 'CREATED', cell: (row: HistoryRow) => humanAge(row.CreatedAt) },
      { title: 'CREATED BY', cell: (row: HistoryRow) => short(row.CreatedBy.replaceAll(/\s+/g, ' '), 60) },
      { title: 'SIZE', cell: (row: HistoryRow) => humanSize(row.Size) },
      { title: 'COMMENT', cell: (row: HistoryRow) => row.Comment },
    ];
    const lines = flags.quiet ? rows.map(row => row.ID) : listLines(rows, columns, flags.format);
    for (const line of lines) this.print(line);
  }
}
