import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openContainers } from '../../cli/open-containers.ts';

export default class ContainerAttach extends BaseCommand {
  static override readonly summary = "Join this terminal to a running container's; ctrl-p ctrl-q leaves it";
  static override readonly aliases = ['attach'];
  static override readonly args = { container: Args.string({ required: true, description: 'name or id' }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ContainerAttach);
    const [{ attachInForeground }, { findContainer }] = await Promise.all([
      import('../../cli/run-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    process.exitCode = await attachInForeground(engine, findContainer(engine, args.container).record);
  }
}
