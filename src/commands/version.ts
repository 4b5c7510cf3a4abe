import { BaseCommand } from '../cli/base-command.ts';
import { hawserVersion } from '../util/version.ts';

export default class Version extends BaseCommand {
  static override readonly summary = 'Show the version of hawser and of the parts it uses';

  async run(): Promise<void> {
    this.print(`hawser version ${hawserVersion}`);
    this.print(`node ${process.version}`);
  }
}
