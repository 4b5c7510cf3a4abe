import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { podApi, podApiFlags } from '../../cli/pod-api.ts';

export default class PodDelete extends BaseCommand {
  static override readonly summary = 'End pods and take them away';
  static override readonly usage = 'pod delete (POD... | -f FILE | -l LABELS | --all)';
  static override readonly strict = false;
  static override readonly args = { pod: Args.string({ description: 'names' }) };
  static override readonly flags = {
    ...podApiFlags,
    filename: Flags.string({
      char: 'f',
      multiple: true,
      multipleNonGreedy: true,
      description: 'the objects of a file, a folder, or - for stdin',
      helpValue: 'FILE',
    }),
    selector: Flags.string({ char: 'l', description: 'those with these labels', helpValue: 'a=b,c!=d' }),
    all: Flags.boolean({ description: 'all of the namespace' }),
    'grace-period': Flags.integer({ min: 0, description: "instead of the pod's own", helpValue: 'SECONDS' }),
    now: Flags.boolean({ exclusive: ['grace-period'], description: 'with a grace period of one second' }),
    force: Flags.boolean({ description: 'without waiting for its containers' }),
    'ignore-not-found': Flags.boolean({ description: 'no failure where there is none' }),
    wait: Flags.boolean({ default: true, allowNo: true, description: 'until they are gone' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(PodDelete);
    const { deletePods } = await import('../../orchestrator/client/delete-pods.ts');
    await deletePods(await podApi(flags.server), {
      names: argv as string[],
      files: flags.filename ?? [],
      input: process.stdin,
      all: flags.all,
      selector: flags.selector,
      namespace: flags.namespace,
      gracePeriod: flags.now ? 1 : flags['grace-period'],
      force: flags.force,
      ignoreNotFound: flags['ignore-not-found'],
      wait: flags.wait && !flags.force,
      print: line => this.print(line),
      signal: this.signal,
    });
  }
}
