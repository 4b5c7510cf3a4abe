import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLogTime, parseTail } from '../../cli/log-flags.ts';
import { podApi, podApiFlags } from '../../cli/pod-api.ts';

export default class PodLogs extends BaseCommand {
  static override readonly summary = 'Show what a container of a pod has written';
  static override readonly args = { pod: Args.string({ required: true, description: 'name' }) };
  static override readonly flags = {
    ...podApiFlags,
    container: Flags.string({ char: 'c', description: 'of this container' }),
    follow: Flags.boolean({ char: 'f', description: 'go on until it ends' }),
    previous: Flags.boolean({ char: 'p', description: 'of the instance before the latest' }),
    tail: Flags.string({ default: 'all', description: 'the last lines only', helpValue: 'N' }),
    since: Flags.string({ description: 'not what is older: a time, or 10m', helpValue: 'TIME' }),
    timestamps: Flags.boolean({ description: 'with the time of each line' }),
    'limit-bytes': Flags.integer({ min: 1, description: 'at most', helpValue: 'N' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PodLogs);
    const { podLogs } = await import('../../orchestrator/client/pod-logs.ts');
    await podLogs(await podApi(flags.server), args.pod, {
      namespace: flags.namespace,
      container: flags.container,
      follow: flags.follow,
      previous: flags.previous,
      ...parseTail(flags.tail),
      since: flags.since === undefined ? undefined : parseLogTime('since', flags.since),
      timestamps: flags.timestamps,
      limitBytes: flags['limit-bytes'],
      write: chunk => void process.stdout.write(chunk),
      note: text => this.note(text),
      signal: this.signal,
    });
  }
}
