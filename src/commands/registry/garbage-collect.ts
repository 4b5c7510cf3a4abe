import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { configArg, openRegistryVolume, rootFlag } from '../../cli/registry-volume.ts';

export default class RegistryGarbageCollect extends BaseCommand {
  static override readonly summary = "registry:2's `garbage-collect`: remove at once what nothing needs";
  static override readonly description =
    'As `hawser registry gc`, but without a time of grace, so that a push between its blobs and its manifest has to start again.';
  static override readonly args = { config: configArg };
  static override readonly flags = {
    root: rootFlag,
    'dry-run': Flags.boolean({ char: 'd', description: 'list what would go, and remove nothing' }),
    'delete-untagged': Flags.boolean({ char: 'm', description: 'manifests that no tag keeps, too' }),
    quiet: Flags.boolean({ char: 'q', description: 'list nothing' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryGarbageCollect);
    const volume = await openRegistryVolume({ config: args.config, root: flags.root, roots: this.roots });
    const { collectGarbage } = await import('../../registry-server/gc/collector.ts');
    const tell = (line: string) => {
      if (!flags.quiet) this.print(line);
    };
    const { used, blobs, manifests } = await collectGarbage(volume.driver, {
      grace: 0,
      untagged: flags['delete-untagged'],
      dryRun: flags['dry-run'],
      signal: this.signal,
      onProgress: event => {
        if (event.kind === 'repository') tell(event.name);
        if (event.kind === 'manifest') tell(`manifest eligible for deletion: ${event.digest}`);
        if (event.kind === 'blob') tell(`blob eligible for deletion: ${event.digest}`);
        if (event.kind === 'broken')
          this.note(`${event.name}@${event.digest} cannot be read: nothing of ${event.name} is removed`);
      },
    });
    tell(`\n${used} blobs marked, ${blobs} blobs and ${manifests} manifests eligible for deletion`);
  }
}
