import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { openImages } from '../../cli/open-images.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class ImagePrune extends BaseCommand {
  static override readonly summary = 'Free what no image, container or running command needs';
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'images that no container uses too' }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
    'build-cache': Flags.boolean({ description: 'forget the results of build steps too' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ImagePrune);
    if (!flags.force) {
      const { confirm } = await import('../../cli/confirm.ts');
      if (!(await confirm('This removes images without a name, and content that nothing needs. Go on?'))) {
        throw new HawserError('ABORTED', 'nothing was removed', {
          exitCode: 1,
          remedy: 'Use --force to go on without asking.',
        });
      }
    }
    const { pruneImages } = await import('../../cli/prune-images.ts');
    const pruned = await pruneImages(this.roots, await openImages(this.roots), {
      all: flags.all,
      buildCache: flags['build-cache'],
      signal: this.signal,
    });
    for (const line of pruned.lines) this.print(line);
    this.print(`Total reclaimed space: ${humanSize(pruned.size)}`);
  }
}
