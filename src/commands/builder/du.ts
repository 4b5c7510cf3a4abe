import { BaseCommand } from '../../cli/base-command.ts';
import type { BuilderItem } from '../../cli/builder-usage.ts';
import { humanAge, humanSize } from '../../cli/human.ts';
import { formatFlag, type ListColumn, listLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';

/** With the field names of `docker buildx du`. */
interface Row {
  readonly ID: string;
  readonly Type: BuilderItem['type'];
  readonly Description: string;
  /** Bytes. */
  readonly Size: number;
  readonly Shared: boolean;
  readonly InUse: boolean;
  readonly Reclaimable: boolean;
  /** RFC 3339 */
  readonly LastUsedAt: string;
}

const columns: readonly ListColumn<Row>[] = [
  { title: 'ID', cell: row => row.ID.slice(0, 20) },
  { title: 'RECLAIMABLE', cell: row => String(row.Reclaimable) },
  { title: 'SIZE', cell: row => (row.Shared ? `${humanSize(row.Size)}*` : humanSize(row.Size)) },
  { title: 'LAST USED', cell: row => humanAge(row.LastUsedAt) },
  { title: 'DESCRIPTION', cell: row => row.Description.replaceAll(/\s+/g, ' ').slice(0, 60) },
];

export default class BuilderDu extends BaseCommand {
  static override readonly summary = 'Tell what builds keep for the next ones, and how much space it takes';
  static override readonly description =
    'Each byte counts once. A layer that an image has too counts there, and is marked with *.';
  static override readonly flags = { format: formatFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(BuilderDu);
    const { measureBuilder } = await import('../../cli/builder-usage.ts');
    const items = await measureBuilder(this.roots, await openImages(this.roots));
    const rows = items.toSorted((left, right) => right.size - left.size).map(rowOf);
    for (const line of listLines(rows, columns, flags.format)) this.print(line);
    if (flags.format !== undefined && flags.format !== 'table') return;
    const total = (some: readonly Row[]) => humanSize(some.reduce((sum, { Size }) => sum + Size, 0));
    this.print(`Reclaimable: ${total(rows.filter(row => row.Reclaimable))}`);
    this.print(`Total: ${total(rows)}`);
  }
}

function rowOf({ id, type, description, size, shared, inUse, lastUsed }: BuilderItem): Row {
  return {
    ID: id,
    Type: type,
    Description: description,
    Size: size,
    Shared: shared,
    InUse: inUse,
    Reclaimable: !inUse,
    LastUsedAt: new Date(lastUsed).toISOString(),
  };
}
