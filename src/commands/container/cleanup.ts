import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openSnapshots } from '../../cli/prepare-image.ts';

/** conmon runs it when a container has ended. */
export default class ContainerCleanup extends BaseCommand {
  static override readonly summary = 'Give back what an ended container held';
  static override readonly hidden = true;
  static override readonly args = { id: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ContainerCleanup);
    const [{ openContainerEngine }, { cleanupContainer }, snapshotter] = await Promise.all([
      import('../../runtime/container-engine.ts'),
      import('../../runtime/cleanup-container.ts'),
      openSnapshots(this.roots),
    ]);
    const engine = await openContainerEngine({
      ...this.roots,
      snapshotter,
      cleanupCommand: [],
      env: process.env,
    });
    await cleanupContainer(engine, args.id);
  }
}
