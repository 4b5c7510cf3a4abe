import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { openImages } from '../../cli/open-images.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class BuilderPrune extends BaseCommand {
  static override readonly summary = 'Free what builds keep for the next ones';
  static override readonly description =
    'Safe beside builds that run: what they use is leased. What was used last goes last. A build prunes by itself when ' +
    'HAWSER_BUILDER_KEEP_STORAGE, e.g. 10GB, says how much may stay.';
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'results of steps too whose layers an image has' }),
    filter: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'only what was not used for so long, or since a date',
      helpValue: 'until=24h',
    }),
    'reserved-space': Flags.string({
      aliases: ['keep-storage'],
      description: 'leave this much, whatever the other limits say',
      helpValue: '10GB',
    }),
    'max-used-space': Flags.string({
      description: 'stop when no more than this is left',
      helpValue: '10GB',
    }),
    'min-free-space': Flags.string({
      description: 'stop when the file system has this much free',
      helpValue: '20GB',
    }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BuilderPrune);
    const { parseSize, parseUntil } = await import('../../cli/size-and-time.ts');
    const sizeOf = (text: string | undefined) => (text === undefined ? undefined : parseSize(text));
    const storage = {
      reserved: sizeOf(flags['reserved-space']),
      maxUsed: sizeOf(flags['max-used-space']),
      minFree: sizeOf(flags['min-free-space']),
    };
    const limits = (flags.filter ?? []).map(filter => parseUntil(untilOf(filter)));
    await this.#confirm(flags.force);
    const { pruneBuilder } = await import('../../cli/prune-builder.ts');
    const pruned = await pruneBuilder(this.roots, await openImages(this.roots), {
      all: flags.all,
      limits: storage,
      until: limits.length === 0 ? undefined : Math.min(...limits),
      signal: this.signal,
    });
    for (const id of pruned.ids) this.print(id);
    this.print(`Total reclaimed space: ${humanSize(pruned.size)}`);
  }

  async #confirm(force: boolean): Promise<void> {
    if (force) return;
    const { confirm } = await import('../../cli/confirm.ts');
    if (await confirm('This removes results of build steps, cache mounts and downloads. Go on?')) return;
    throw new HawserError('ABORTED', 'nothing was removed', {
      exitCode: 1,
      remedy: 'Use --force to go on without asking.',
    });
  }
}

function untilOf(filter: string): string {
  const [, value] = /^(?:until|unused-for)=(.+)$/.exec(filter) ?? [];
  if (value !== undefined) return value;
  throw new HawserError('INVALID_ARGUMENT', `--filter ${JSON.stringify(filter)} is not known`, {
    remedy: 'Use until=DURATION or until=DATE, e.g. until=24h.',
  });
}
