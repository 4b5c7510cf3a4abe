import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { podApi, podApiFlags } from '../../cli/pod-api.ts';

export default class PodApply extends BaseCommand {
  static override readonly summary = 'Create or change the objects of YAML files';
  static override readonly examples = ['hawser pod apply -f pod.yaml', 'hawser pod apply -f - < pod.yaml'];
  static override readonly flags = {
    ...podApiFlags,
    filename: Flags.string({
      char: 'f',
      required: true,
      multiple: true,
      multipleNonGreedy: true,
      description: 'a YAML or JSON file, a folder of them, or - for stdin',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(PodApply);
    const { applyFiles } = await import('../../orchestrator/client/apply-files.ts');
    await applyFiles(await podApi(flags.server), flags.filename, {
      namespace: flags.namespace,
      print: line => this.print(line),
      warn: line => this.note(`Warning: ${line}`),
      input: process.stdin,
      signal: this.signal,
    });
  }
}
