import { createReadStream } from 'node:fs';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openImages } from '../../cli/open-images.ts';

export default class ImageLoad extends BaseCommand {
  static override readonly summary = 'Read the images of an archive of docker save, podman save or hawser';
  static override readonly aliases = ['load'];
  static override readonly flags = {
    input: Flags.string({ char: 'i', description: 'the file; stdin without it' }),
    quiet: Flags.boolean({ char: 'q', description: 'no messages' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ImageLoad);
    const { loadImages } = await import('../../content/archive/load.ts');
    const { familiarReference, parseReference } = await import('../../image/reference.ts');
    const source =
      flags.input === undefined ? process.stdin : createReadStream(flags.input, { highWaterMark: 1 << 20 });
    const loaded = await loadImages(await openImages(this.roots), source, { signal: this.signal });
    if (flags.quiet) return;
    for (const { names, descriptor } of loaded) {
      for (const name of names) this.print(`Loaded image: ${familiarReference(parseReference(name))}`);
      if (names.length === 0) this.print(`Loaded image ID: ${descriptor.digest}`);
    }
  }
}
