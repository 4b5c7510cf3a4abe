import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { forEachContainer } from '../../cli/each-container.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerKill extends BaseCommand {
  static override readonly summary = 'Send a signal to containers; SIGKILL unless another is named';
  static override readonly aliases = ['kill'];
  static override readonly usage = 'container kill [-s SIGNAL] CONTAINER [CONTAINER...]';
  static override readonly strict = false;
  static override readonly flags = {
    signal: Flags.string({ char: 's', default: 'SIGKILL', description: 'name or number' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerKill);
    const [{ killContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/stop-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    process.exitCode = await forEachContainer(
      requireWords(argv, 'a container'),
      name => killContainer(engine, findContainer(engine, name).record.id, { signal: flags.signal }),
      line => this.print(line),
    );
  }
}
