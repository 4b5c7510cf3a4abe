import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { inspectLines } from '../../cli/list-output.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerInspect extends BaseCommand {
  static override readonly summary = 'Show all about containers, as JSON';
  static override readonly usage = 'container inspect [--format TEMPLATE] CONTAINER [CONTAINER...]';
  static override readonly strict = false;
  static override readonly flags = {
    format: Flags.string({ char: 'f', description: 'json, or a template such as {{.State.Status}}' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerInspect);
    const [{ inspectContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/inspect-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const names = requireWords(argv, 'a container');
    const shown = names.map(name => inspectContainer(this.roots, findContainer(this.roots, name)));
    for (const line of inspectLines(shown, flags.format)) this.print(line);
  }
}
