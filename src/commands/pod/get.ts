import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { podApi, podApiFlags } from '../../cli/pod-api.ts';

export default class PodGet extends BaseCommand {
  static override readonly summary = 'List pods, or show those that are named';
  static override readonly strict = false;
  static override readonly args = { pod: Args.string({ description: 'names; none for all' }) };
  static override readonly flags = {
    ...podApiFlags,
    'all-namespaces': Flags.boolean({ char: 'A', description: 'of every namespace' }),
    selector: Flags.string({ char: 'l', description: 'only those with these labels', helpValue: 'a=b,c!=d' }),
    output: Flags.option({
      char: 'o',
      options: ['wide', 'yaml', 'json', 'name'] as const,
      description: 'instead of the table',
    })(),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(PodGet);
    const { getPods } = await import('../../orchestrator/client/get-pods.ts');
    await getPods(await podApi(flags.server), {
      names: argv as string[],
      namespace: flags.namespace,
      allNamespaces: flags['all-namespaces'],
      selector: flags.selector,
      output: flags.output ?? 'table',
      print: text => this.print(text),
      note: text => this.note(text),
      signal: this.signal,
    });
  }
}
