import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { forEachContainer } from '../../cli/each-container.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerRm extends BaseCommand {
  static override readonly summary = 'Remove containers with their writable layers and logs';
  static override readonly aliases = ['rm', 'container:remove'];
  static override readonly usage = 'container rm [-f] [-v] CONTAINER [CONTAINER...]';
  static override readonly strict = false;
  static override readonly flags = {
    force: Flags.boolean({ char: 'f', description: 'kill those that run' }),
    volumes: Flags.boolean({ char: 'v', description: 'with their anonymous volumes' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerRm);
    const [{ removeContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/remove-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    process.exitCode = await forEachContainer(
      requireWords(argv, 'a container'),
      name => removeContainer(engine, findContainer(engine, name).record.id, flags),
      line => this.print(line),
    );
  }
}
