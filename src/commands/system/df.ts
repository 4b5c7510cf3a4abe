import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { UsageGroup, UsageRow } from '../../cli/disk-usage.ts';
import { humanSize } from '../../cli/human.ts';
import { formatFlag, type ListColumn, listLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';
import { formatTable } from '../../cli/table.ts';

function share({ Reclaimable, Size }: UsageRow): string {
  const percent = Size === 0 ? 0 : Math.floor((Reclaimable / Size) * 100);
  return `${humanSize(Reclaimable)} (${percent}%)`;
}

const columns: readonly ListColumn<UsageRow>[] = [
  { title: 'TYPE', cell: row => row.Type },
  { title: 'TOTAL', cell: row => String(row.TotalCount) },
  { title: 'ACTIVE', cell: row => String(row.Active) },
  { title: 'SIZE', cell: row => humanSize(row.Size) },
  { title: 'RECLAIMABLE', cell: share },
];

export default class SystemDf extends BaseCommand {
  static override readonly summary =
    'Tell where space goes: images, containers, volumes, snapshots, build cache';
  static override readonly flags = {
    verbose: Flags.boolean({ char: 'v', description: 'each of them' }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemDf);
    const { measureUsage, rowOfGroup } = await import('../../cli/disk-usage.ts');
    const groups = await measureUsage(this.roots, await openImages(this.roots));
    if (!flags.verbose) {
      for (const line of listLines(groups.map(rowOfGroup), columns, flags.format)) this.print(line);
    } else if (flags.format === 'json') {
      for (const group of groups) this.print(JSON.stringify({ ...rowOfGroup(group), Items: group.items }));
    } else {
      for (const line of groups.flatMap(verboseLines)) this.print(line);
    }
  }
}

function verboseLines({ type, items }: UsageGroup, index: number): readonly string[] {
  const rows = items.map(({ name, size, inUse }) => [name, humanSize(size), inUse ? 'yes' : 'no']);
  return [...(index === 0 ? [] : ['']), `${type}:`, ...formatTable(['NAME', 'SIZE', 'IN USE'], rows)];
}
