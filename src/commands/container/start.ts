import { BaseCommand } from '../../cli/base-command.ts';
import { forEachContainer } from '../../cli/each-container.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerStart extends BaseCommand {
  static override readonly summary = 'Start containers that do not run';
  static override readonly aliases = ['start'];
  static override readonly usage = 'container start CONTAINER [CONTAINER...]';
  static override readonly strict = false;

  async run(): Promise<void> {
    const { argv } = await this.parse(ContainerStart);
    const [{ startContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/start-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    process.exitCode = await forEachContainer(
      requireWords(argv, 'a container'),
      name => startContainer(engine, findContainer(engine, name).record.id),
      line => this.print(line),
    );
  }
}
