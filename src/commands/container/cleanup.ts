import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { cleanupCommand } from '../../cli/open-containers.ts';
import { openSnapshots } from '../../cli/prepare-image.ts';

/** conmon runs it when a container has ended. */
export default class ContainerCleanup extends BaseCommand {
  static override readonly summary =
    'Give back what an ended container held, and start it again where its policy says so';
  static override readonly hidden = true;
  static override readonly args = { id: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ContainerCleanup);
    const [{ openContainerEngine }, { cleanupContainer }, { restartEnded }, snapshotter] = await Promise.all([
      import('../../runtime/container-engine.ts'),
      import('../../runtime/cleanup-container.ts'),
      import('../../runtime/restart-ended.ts'),
      openSnapshots(this.roots),
    ]);
    const engine = await openContainerEngine({
      ...this.roots,
      snapshotter,
      cleanupCommand: cleanupCommand(),
      env: process.env,
    });
    await cleanupContainer(engine, args.id);
    await restartEnded(engine, args.id);
  }
}
