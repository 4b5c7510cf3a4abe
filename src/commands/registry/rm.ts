import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { formatReference, parseReference } from '../../image/reference.ts';

export default class RegistryRm extends BaseCommand {
  static override readonly summary = 'Delete tags, or manifests with all their tags, from a registry';
  static override readonly strict = false;
  static override readonly examples = [
    'hawser registry rm localhost:5000/team/app:1.0',
    'hawser registry rm localhost:5000/team/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ];
  static override readonly args = {
    image: Args.string({ description: 'HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST', required: true }),
  };
  static override readonly flags = {
    'plain-http': Flags.boolean({ description: 'http also for a registry that is not on loopback' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(RegistryRm);
    const references = argv.map(text => parseReference(String(text)));
    for (const reference of references) {
      if (reference.tag !== undefined || reference.digest !== undefined) continue;
      throw new HawserError('INVALID_ARGUMENT', `${formatReference(reference)} names no image`, {
        remedy: 'Add :TAG or @DIGEST; hawser registry ls lists the tags.',
      });
    }
    const { deleteRemote } = await import('../../registry-client/browse.ts');
    const { createTransport } = await import('../../registry-client/transport.ts');
    const transport = createTransport({ plainHttp: flags['plain-http'] });
    try {
      for (const reference of references) {
        await deleteRemote(transport, reference, { signal: this.signal });
        this.print(formatReference(reference));
      }
    } finally {
      transport.close();
    }
  }
}
