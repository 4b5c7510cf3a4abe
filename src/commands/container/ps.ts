import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { ContainerRow } from '../../cli/container-rows.ts';
import { formatFlag, listLines } from '../../cli/list-output.ts';

export default class ContainerPs extends BaseCommand {
  static override readonly summary = 'List containers';
  static override readonly aliases = ['ps', 'container:ls', 'container:list'];
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'those that do not run too' }),
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
    'no-trunc': Flags.boolean({ description: 'whole ids and commands' }),
    filter: Flags.string({
      char: 'f',
      multiple: true,
      multipleNonGreedy: true,
      description: 'only those that fit',
      helpValue: 'name=|id=|label=|status=|ancestor=',
    }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ContainerPs);
    const { listContainerRows } = await import('../../cli/container-rows.ts');
    const full = flags['no-trunc'];
    const rows = listContainerRows(this.roots, { all: flags.all, full, filters: flags.filter ?? [] });
    const columns = [
      { title: 'CONTAINER ID', cell: (row: ContainerRow) => row.ID },
      { title: 'IMAGE', cell: (row: ContainerRow) => row.Image },
      { title: 'COMMAND', cell: (row: ContainerRow) => row.Command },
      { title: 'CREATED', cell: (row: ContainerRow) => row.RunningFor },
      { title: 'STATUS', cell: (row: ContainerRow) => row.Status },
      { title: 'PORTS', cell: (row: ContainerRow) => row.Ports },
      { title: 'NAMES', cell: (row: ContainerRow) => row.Names },
    ];
    const lines = flags.quiet ? rows.map(row => row.ID) : listLines(rows, columns, flags.format);
    for (const line of lines) this.print(line);
  }
}
