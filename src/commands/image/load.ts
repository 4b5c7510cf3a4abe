import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openArchive } from '../../cli/open-archive.ts';
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
    const store = await openImages(this.roots);
    const loaded = await loadImages(store, await openArchive(flags.input ?? '-'), { signal: this.signal });
    if (flags.quiet) return;
    for (const { names, descriptor } of loaded) {
      for (const name of names) this.print(`Loaded image: ${familiarReference(parseReference(name))}`);
      if (names.length === 0) this.print(`Loaded image ID: ${descriptor.digest}`);
    }
  }
}
