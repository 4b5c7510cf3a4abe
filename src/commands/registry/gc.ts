import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { configArg, openRegistryVolume, rootFlag } from '../../cli/registry-volume.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class RegistryGC extends BaseCommand {
  static override readonly summary =
    "Remove what nothing needs from a registry's volume, also while it is served";
  static override readonly description =
    'A registry that hawser serves does this by itself. Pushes may go on meanwhile.';
  static override readonly examples = [
    'hawser registry gc --root /srv/registry --dry-run',
    'hawser registry gc --untagged /etc/docker/registry/config.yml',
  ];
  static override readonly args = { config: configArg };
  static override readonly flags = {
    root: rootFlag,
    'dry-run': Flags.boolean({ char: 'd', description: 'list what would go, and remove nothing' }),
    untagged: Flags.boolean({
      char: 'm',
      aliases: ['delete-untagged'],
      description: 'manifests that no tag, index or subject keeps, too',
    }),
    grace: Flags.string({
      default: '10s',
      description: 'keep what was pushed since, and no manifest needs yet',
      helpValue: 'DURATION',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryGC);
    const { parseDuration } = await import('../../registry-server/config/duration.ts');
    const grace = parseDuration(flags.grace);
    if (grace === undefined || grace < 0) {
      throw new HawserError('INVALID_ARGUMENT', `invalid duration ${JSON.stringify(flags.grace)}`, {
        remedy: 'Write it like 10s, 5m or 1h.',
      });
    }
    const volume = await openRegistryVolume({ config: args.config, root: flags.root, roots: this.roots });
    const { collectGarbage } = await import('../../registry-server/gc/collector.ts');
    const collected = await collectGarbage(volume.driver, {
      grace,
      untagged: flags.untagged,
      dryRun: flags['dry-run'],
      signal: this.signal,
      onProgress: event => {
        if (event.kind === 'blob') this.print(`blob ${event.digest} ${humanSize(event.size)}`);
        else if (event.kind === 'broken') {
          this.note(`${event.name}@${event.digest} cannot be read: nothing of ${event.name} is removed`);
        } else if (event.kind !== 'repository') this.print(`${event.kind} ${event.name}@${event.digest}`);
      },
    });
    const { blobs, size } = collected;
    this.note(`${flags['dry-run'] ? 'would remove' : 'removed'} ${blobs} blobs, ${humanSize(size)}`);
  }
}
