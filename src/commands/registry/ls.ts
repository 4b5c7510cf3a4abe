import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatFlag, listLines } from '../../cli/list-output.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { parseReference } from '../../image/reference.ts';
import type { Transport } from '../../registry-client/transport.ts';

interface Row {
  readonly Name: string;
}

const hostPattern = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?$/;

export default class RegistryLs extends BaseCommand {
  static override readonly summary = 'List the repositories of a registry, or the tags of a repository';
  static override readonly aliases = ['registry:list'];
  static override readonly examples = [
    'hawser registry ls localhost:5000',
    'hawser registry ls localhost:5000/team/app',
  ];
  static override readonly args = {
    name: Args.string({ description: 'HOST[:PORT], or HOST[:PORT]/REPOSITORY', required: true }),
  };
  static override readonly flags = {
    format: formatFlag,
    'plain-http': Flags.boolean({ description: 'http also for a registry that is not on loopback' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryLs);
    const { createTransport } = await import('../../registry-client/transport.ts');
    const transport = createTransport({ plainHttp: flags['plain-http'] });
    try {
      const rows: Row[] = [];
      for await (const Name of await this.#names(transport, args.name)) {
        if (flags.format === undefined) this.print(Name);
        else rows.push({ Name });
      }
      if (flags.format === undefined) return;
      for (const line of listLines(rows, [{ title: 'NAME', cell: row => row.Name }], flags.format))
        this.print(line);
    } finally {
      transport.close();
    }
  }

  async #names(transport: Transport, text: string): Promise<AsyncIterable<string>> {
    const { listRemoteRepositories, listRemoteTags } = await import('../../registry-client/browse.ts');
    const options = { signal: this.signal };
    if (hostPattern.test(text) && /[.:]|^localhost$/.test(text))
      return listRemoteRepositories(transport, text, options);
    const reference = parseReference(text);
    if (reference.tag === undefined && reference.digest === undefined)
      return listRemoteTags(transport, reference, options);
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} names one image, not a repository`, {
      remedy: 'Leave out the tag.',
    });
  }
}
