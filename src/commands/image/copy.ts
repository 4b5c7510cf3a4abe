import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class ImageCopy extends BaseCommand {
  static override readonly summary = 'Copy an image from registry to registry';
  static override readonly description =
    'All platforms go over, with the same digests. Nothing is kept here, and what the other side has is not sent.';
  static override readonly examples = [
    'hawser image copy debian:12 localhost:5000/debian',
    'hawser image copy --platform linux/arm64 registry.example.com/app:1.0 localhost:5000/app:arm',
  ];
  static override readonly args = {
    source: Args.string({ required: true, description: '[HOST[:PORT]/]NAME[:TAG|@DIGEST]' }),
    target: Args.string({ required: true, description: "HOST[:PORT]/NAME[:TAG]; default the source's tag" }),
  };
  static override readonly flags = {
    platform: Flags.string({
      description: 'of an index, only the image for this platform',
      helpValue: 'OS/ARCH',
    }),
    quiet: Flags.boolean({ char: 'q', description: 'no progress' }),
    'plain-http': Flags.boolean({ description: 'http, for registries that are not on loopback' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageCopy);
    const [{ copyImage }, { createTransport }, references, { parsePlatform }, { TransferProgress }] =
      await Promise.all([
        import('../../registry-client/copy.ts'),
        import('../../registry-client/transport.ts'),
        import('../../image/reference.ts'),
        import('../../image/platform.ts'),
        import('../../cli/transfer-progress.ts'),
      ]);
    const { formatReference, parseReference, withDefaultTag } = references;
    const from = withDefaultTag(parseReference(args.source));
    const target = parseReference(args.target);
    const isBare = target.tag === undefined && target.digest === undefined;
    const to = isBare
      ? withDefaultTag({ ...target, ...(from.tag === undefined ? {} : { tag: from.tag }) })
      : target;
    const progress = new TransferProgress('copy', { quiet: flags.quiet });
    const transport = createTransport({ plainHttp: flags['plain-http'] });
    try {
      const { digest } = await copyImage(transport, {
        from,
        to,
        platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
        onProgress: event => progress.update(event),
        signal: this.signal,
      });
      if (!flags.quiet) this.note(`Digest: ${digest}`);
    } finally {
      transport.close();
      progress.stop();
    }
    this.print(formatReference(to));
  }
}
