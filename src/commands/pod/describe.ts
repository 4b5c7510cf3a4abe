import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { podApi, podApiFlags } from '../../cli/pod-api.ts';
import { requireWords } from '../../cli/require-words.ts';

export default class PodDescribe extends BaseCommand {
  static override readonly summary = 'Show everything about pods, with their events';
  static override readonly strict = false;
  static override readonly args = { pod: Args.string({ required: true, description: 'names' }) };
  static override readonly flags = podApiFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(PodDescribe);
    const { describePod } = await import('../../orchestrator/client/describe-pod.ts');
    const client = await podApi(flags.server);
    const texts: string[] = [];
    for (const name of requireWords(argv, 'a pod'))
      texts.push(await describePod(client, name, { namespace: flags.namespace, signal: this.signal }));
    this.print(texts.map(text => text.trimEnd()).join('\n\n\n'));
  }
}
