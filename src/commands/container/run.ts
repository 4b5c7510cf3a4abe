import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { containerFlags } from '../../cli/container-flags.ts';
import { failBeforeStart } from '../../cli/fail-before-start.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { endFlagsAtFirstWord } from '../../cli/pass-through.ts';

const runFlags = {
  ...containerFlags,
  detach: Flags.boolean({ char: 'd', description: 'leave it running, and print its id' }),
};

export default class ContainerRun extends BaseCommand {
  static override readonly summary = 'Make and start a container';
  static override readonly aliases = ['run'];
  static override readonly usage = 'container run [FLAGS] IMAGE [COMMAND] [ARG...]';
  static override readonly examples = [
    'hawser run --rm debian:12 cat /etc/os-release',
    'hawser run -d --name web -p 8080:80 -v data:/data nginx:1.22',
  ];
  static override readonly strict = false;
  static override readonly flags = runFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerRun, endFlagsAtFirstWord(this.argv, runFlags));
    const { createFromFlags } = await import('../../cli/create-from-flags.ts');
    const engine = await openContainers(this.roots);
    const words = argv.map(String);
    const { record } = await createFromFlags(this.roots, engine, {
      flags,
      words,
      signal: this.signal,
    }).catch(failBeforeStart);
    if (flags.detach) {
      const { startDetached } = await import('../../cli/run-container.ts');
      await startDetached(engine, record);
      this.print(record.id);
      return;
    }
    const { runInForeground } = await import('../../cli/run-container.ts');
    process.exitCode = await runInForeground(engine, record);
  }
}
