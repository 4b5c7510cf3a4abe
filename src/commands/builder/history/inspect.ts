import { Args } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { formatFlag, inspectLines } from '../../../cli/list-output.ts';

export default class BuilderHistoryInspect extends BaseCommand {
  static override readonly summary = 'Show one build: its steps, what was cached, and how long each took';
  static override readonly args = {
    build: Args.string({ description: 'an id, or ^N for the Nth before the last; default the last' }),
  };
  static override readonly flags = { format: formatFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BuilderHistoryInspect);
    const [{ loadBuild }, { buildJson, buildLines }] = await Promise.all([
      import('../../../cli/find-build.ts'),
      import('../../../cli/build-lines.ts'),
    ]);
    const record = await loadBuild(this.roots, args.build);
    const isText = flags.format === undefined || flags.format === 'table';
    const lines = isText ? buildLines(record) : inspectLines([buildJson(record)], flags.format);
    for (const line of lines) this.print(line);
  }
}
