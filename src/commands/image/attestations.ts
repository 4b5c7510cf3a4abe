import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatFlag, type ListColumn, listLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';
import type { ShownAttestation } from '../../cli/read-attestations.ts';

export default class ImageAttestations extends BaseCommand {
  static override readonly summary = 'Show what is said of an image: its provenance, its packages';
  static override readonly examples = [
    'hawser image attestations app:1.0',
    'hawser image attestations --type sbom registry.example.com/app:1.0 --remote',
  ];
  static override readonly args = { image: Args.string({ required: true }) };
  static override readonly flags = {
    type: Flags.string({
      description: 'print the statements of this type, as JSON',
      helpValue: 'provenance|sbom|PREDICATE-TYPE',
    }),
    platform: Flags.string({
      description: 'of an index, only of the image for this platform',
      helpValue: 'OS/ARCH',
    }),
    remote: Flags.boolean({ description: 'ask the registry instead of the local store' }),
    'plain-http': Flags.boolean({ description: 'http, for a registry that is not on loopback' }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageAttestations);
    const [reading, { parsePlatform }] = await Promise.all([
      import('../../cli/read-attestations.ts'),
      import('../../image/platform.ts'),
    ]);
    const { image: name } = args;
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
    const source = flags.remote
      ? await reading.remoteAttestations(name, { plainHttp: flags['plain-http'], signal: this.signal })
      : await reading.storeAttestations(await openImages(this.roots), name, platform);
    try {
      if (flags.type !== undefined) {
        for (const text of await reading.readStatements(source, { type: flags.type, platform, name }))
          this.print(text);
        return;
      }
      const columns: readonly ListColumn<ShownAttestation>[] = [
        { title: 'PLATFORM', cell: row => row.platform },
        { title: 'TYPE', cell: row => row.type },
        { title: 'DIGEST', cell: row => row.digest },
      ];
      const rows = await reading.listAttestations(source, platform);
      for (const line of listLines(rows, columns, flags.format)) this.print(line);
    } finally {
      source.close();
    }
  }
}
