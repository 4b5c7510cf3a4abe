import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLogTime, parseTail } from '../../cli/log-flags.ts';

export default class ContainerLogs extends BaseCommand {
  static override readonly summary = 'Show what a container has written';
  static override readonly aliases = ['logs'];
  static override readonly args = { container: Args.string({ required: true, description: 'name or id' }) };
  static override readonly flags = {
    follow: Flags.boolean({ char: 'f', description: 'go on until it ends' }),
    tail: Flags.string({ char: 'n', default: 'all', description: 'the last lines only', helpValue: 'N' }),
    timestamps: Flags.boolean({ char: 't', description: 'with the time of each line' }),
    since: Flags.string({ description: 'not what is older: a time, or 10m', helpValue: 'TIME' }),
    until: Flags.string({ description: 'not what is newer: a time, or 10m', helpValue: 'TIME' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ContainerLogs);
    const [{ readLogs }, { findContainer }] = await Promise.all([
      import('../../runtime/container-logs.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const { id } = findContainer(this.roots, args.container).record;
    const lines = readLogs(this.roots, id, {
      follow: flags.follow,
      ...parseTail(flags.tail),
      ...(flags.since === undefined ? {} : { since: parseLogTime('since', flags.since) }),
      ...(flags.until === undefined ? {} : { until: parseLogTime('until', flags.until) }),
      signal: this.signal,
    });
    for await (const { stream, time, content } of lines) {
      process[stream].write(flags.timestamps ? Buffer.concat([Buffer.from(`${time} `), content]) : content);
    }
  }
}
