import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { forEachContainer } from '../../cli/each-container.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class ContainerStop extends BaseCommand {
  static override readonly summary = 'Stop containers: their stop signal, then SIGKILL';
  static override readonly aliases = ['stop'];
  static override readonly usage = 'container stop [-t SECONDS] CONTAINER [CONTAINER...]';
  static override readonly strict = false;
  static override readonly flags = {
    time: Flags.integer({
      char: 't',
      aliases: ['timeout'],
      min: 0,
      description: 'seconds until SIGKILL; default 10',
    }),
    signal: Flags.string({ char: 's', description: "instead of the container's stop signal" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerStop);
    const [{ stopContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/stop-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    const options = {
      ...(flags.time === undefined ? {} : { timeout: flags.time }),
      ...(flags.signal === undefined ? {} : { stopSignal: flags.signal }),
      signal: this.signal,
    };
    process.exitCode = await forEachContainer(
      requireWords(argv, 'a container'),
      name => stopContainer(engine, findContainer(engine, name).record.id, options),
      line => this.print(line),
    );
  }
}
