import { BaseCommand } from '../../cli/base-command.ts';
import { containerFlags } from '../../cli/container-flags.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { endFlagsAtFirstWord } from '../../cli/pass-through.ts';

export default class ContainerCreate extends BaseCommand {
  static override readonly summary = 'Make a container and do not start it';
  static override readonly aliases = ['create'];
  static override readonly usage = 'container create [FLAGS] IMAGE [COMMAND] [ARG...]';
  static override readonly strict = false;
  static override readonly flags = containerFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerCreate, endFlagsAtFirstWord(this.argv, containerFlags));
    const { createFromFlags } = await import('../../cli/create-from-flags.ts');
    const engine = await openContainers(this.roots);
    const words = argv.map(String);
    const { record } = await createFromFlags(this.roots, engine, { flags, words, signal: this.signal });
    this.print(record.id);
  }
}
