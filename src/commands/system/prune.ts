import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { openImages } from '../../cli/open-images.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class SystemPrune extends BaseCommand {
  static override readonly summary =
    'Free what nothing needs: ended containers, images, snapshots, build cache';
  static override readonly description =
    'Safe beside pulls and builds that run: what they use is leased. Without -a it takes images without a name, with it every image that no container uses, and the build cache.';
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'every image that no container uses, and the build cache' }),
    volumes: Flags.boolean({
      description: 'anonymous volumes that no container has; with -a, named ones too',
    }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemPrune);
    if (!flags.force) {
      const { confirm } = await import('../../cli/confirm.ts');
      const what = flags.all ? 'every image that no container uses' : 'images without a name';
      const volumes = flags.volumes ? ', unused volumes' : '';
      if (
        !(await confirm(`This removes ended containers, ${what}${volumes}, and what only they need. Go on?`))
      ) {
        throw new HawserError('ABORTED', 'nothing was removed', {
          exitCode: 1,
          remedy: 'Use --force to go on without asking.',
        });
      }
    }
    const { pruneSystem } = await import('../../cli/prune-system.ts');
    const store = await openImages(this.roots);
    const pruned = await pruneSystem(this.roots, store, { ...flags, signal: this.signal });
    this.#list('Deleted Containers:', pruned.containers);
    this.#list('Deleted Volumes:', pruned.volumes);
    this.#list('Deleted Images:', pruned.images);
    this.print(`Total reclaimed space: ${humanSize(pruned.size)}`);
  }

  #list(title: string, names: readonly string[]): void {
    if (names.length === 0) return;
    for (const line of [title, ...names, '']) this.print(line);
  }
}
