import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatFlag, listLines } from '../../cli/list-output.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class BuilderHistory extends BaseCommand {
  static override readonly summary = 'List past builds, the newest first; or draw one as a timeline';
  static override readonly aliases = ['builder:history:ls'];
  static override readonly examples = [
    'hawser builder history',
    'hawser builder history --html build.html',
    'hawser builder history --trace trace.json ^1',
  ];
  static override readonly args = {
    build: Args.string({ description: 'for --html and --trace: an id, or ^N for the Nth before the last' }),
  };
  static override readonly flags = {
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
    html: Flags.string({
      description: 'write a page with the timeline of a build, which needs nothing but itself',
      helpValue: 'FILE',
    }),
    trace: Flags.string({ description: 'write a Chrome trace of a build', helpValue: 'FILE' }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BuilderHistory);
    if (flags.html !== undefined || flags.trace !== undefined) {
      await this.#write(args.build, flags);
      return;
    }
    if (args.build !== undefined) {
      throw new HawserError('INVALID_ARGUMENT', 'a list is of all builds', {
        remedy: `See hawser builder history inspect ${args.build}.`,
      });
    }
    const [{ buildColumns, listBuilds }, { historyFolder }] = await Promise.all([
      import('../../cli/build-rows.ts'),
      import('../../builder/history/history-folder.ts'),
    ]);
    const rows = await listBuilds(historyFolder(this.roots.root));
    const lines = flags.quiet ? rows.map(row => row.ID) : listLines(rows, buildColumns, flags.format);
    for (const line of lines) this.print(line);
  }

  async #write(
    build: string | undefined,
    { html, trace }: { readonly html: string | undefined; readonly trace: string | undefined },
  ): Promise<void> {
    const { findRecordFile } = await import('../../cli/find-build.ts');
    const file = findRecordFile(this.roots, build);
    if (trace !== undefined) {
      await (await import('../../cli/build-trace.ts')).writeTrace(trace, file);
      this.note(`The trace is ${trace}.`);
    }
    if (html !== undefined) {
      await (await import('../../cli/history-page.ts')).writeHistoryPage(html, file);
      this.note(`The page is ${html}.`);
    }
  }
}
