import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class BuilderLogs extends BaseCommand {
  static override readonly summary = 'Show the whole log of a past build, or of one that still runs';
  static override readonly aliases = ['builder:history:logs'];
  static override readonly examples = [
    'hawser builder logs',
    'hawser builder logs ^1',
    "hawser builder logs --step 'RUN make' > make.log",
  ];
  static override readonly args = {
    build: Args.string({ description: 'an id, or ^N for the Nth before the last; default the last' }),
  };
  static override readonly flags = {
    progress: Flags.string({
      options: ['plain', 'rawjson'],
      default: 'plain',
      description: 'in which form',
    }),
    step: Flags.string({
      description: 'the output alone, to the byte, of the steps with this in their names',
      helpValue: 'TEXT',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BuilderLogs);
    const [{ findRecordFile }, logs] = await Promise.all([
      import('../../cli/find-build.ts'),
      import('../../cli/build-logs.ts'),
    ]);
    const file = findRecordFile(this.roots, args.build);
    const { signal } = this;
    if (flags.step !== undefined) await logs.writeStepOutput(file, flags.step, signal);
    else await logs.writeLog(file, flags.progress as 'plain' | 'rawjson', signal);
  }
}
