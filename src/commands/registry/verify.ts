import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { humanSize } from '../../cli/human.ts';
import { configArg, openRegistryVolume, rootFlag } from '../../cli/registry-volume.ts';
import type { VolumeProblem } from '../../registry-server/maintenance/verify-volume.ts';

function describe(problem: VolumeProblem): string {
  switch (problem.kind) {
    case 'corrupt':
      return `corrupt ${problem.digest} hashes to ${problem.actual}`;
    case 'link':
      return `link ${problem.path} is empty or broken`;
    case 'missing':
      return `missing ${problem.digest}, which ${problem.from} names`;
  }
}

export default class RegistryVerify extends BaseCommand {
  static override readonly summary = "Read all content of a registry's volume again, and follow all links";
  static override readonly description =
    'Ends with 1 where something is wrong. The registry may serve meanwhile.';
  static override readonly args = { config: configArg };
  static override readonly flags = {
    root: rootFlag,
    quarantine: Flags.boolean({
      description: 'move corrupt content away, so that the next push brings it again',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryVerify);
    const volume = await openRegistryVolume({ config: args.config, root: flags.root, roots: this.roots });
    const { verifyVolume } = await import('../../registry-server/maintenance/verify-volume.ts');
    let problems = 0;
    const { blobs, size, repositories } = await verifyVolume(volume.driver, {
      quarantine: flags.quarantine,
      signal: this.signal,
      onProblem: problem => {
        problems++;
        this.print(describe(problem));
      },
    });
    this.note(
      `verified ${blobs} blobs, ${humanSize(size)}, in ${repositories} repositories: ${problems} problems`,
    );
    if (problems > 0) process.exitCode = 1;
  }
}
