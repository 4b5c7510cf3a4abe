import { BaseCommand } from '../../cli/base-command.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerWait extends BaseCommand {
  static override readonly summary = 'Wait until containers end, and print their exit codes';
  static override readonly aliases = ['wait'];
  static override readonly usage = 'container wait CONTAINER [CONTAINER...]';
  static override readonly strict = false;

  async run(): Promise<void> {
    const { argv } = await this.parse(ContainerWait);
    const [{ waitContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/wait-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    for (const name of requireWords(argv, 'a container')) {
      const { id } = findContainer(this.roots, name).record;
      const state = await waitContainer(this.roots, id, { signal: this.signal });
      this.print(String(state.exitCode ?? 0));
    }
  }
}
