import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { HawserError } from '../../../errors/hawser-error.ts';

export default class BuilderHistoryRm extends BaseCommand {
  static override readonly summary = 'Forget past builds: their steps, times and logs; no image and no cache';
  static override readonly strict = false;
  static override readonly usage = 'builder history rm BUILD...|--all';
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'all of them, but those that run' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BuilderHistoryRm);
    const history = await import('../../../builder/history/history-folder.ts');
    const wanted = argv.map(String);
    if ((flags.all === true) === wanted.length > 0) {
      throw new HawserError('INVALID_ARGUMENT', 'name builds, or give --all', {
        remedy: 'See hawser builder history.',
      });
    }
    const folder = history.historyFolder(this.roots.root);
    const ids = flags.all
      ? history.buildIDs(folder).filter(id => !history.isRecording(history.recordPath(folder, id)))
      : wanted.map(text => history.findBuild(folder, text));
    for (const id of new Set(ids)) {
      history.removeBuild(folder, id);
      this.print(id);
    }
  }
}
