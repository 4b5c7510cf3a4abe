import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { HawserError } from '../../errors/hawser-error.ts';

interface FixedFile {
  readonly file: string;
  readonly path: string | undefined;
  readonly text: string;
  readonly fixed: string;
  readonly count: number;
}

export default class ImageLint extends BaseCommand {
  static override readonly summary = 'Find what is wrong with a Dockerfile, and what makes its image better';
  static override readonly description =
    'It runs the build checks of BuildKit (the same as hawser build --check), and gives advice of its own: layers and caches, smaller and safer images. It needs no network, and builds nothing. Rules are left out with # check=skip=RULE at the top of the file or above a line.';
  static override readonly examples = [
    'hawser image lint',
    'hawser image lint --fix --dry-run .',
    'hawser image lint -f docker/Dockerfile --strict .',
  ];
  static override readonly args = {
    path: Args.string({
      default: '.',
      description: 'the folder to build from, or a Dockerfile; - for stdin',
    }),
  };
  static override readonly flags = {
    file: Flags.string({ char: 'f', description: 'the Dockerfile; default PATH/Dockerfile' }),
    target: Flags.string({ description: 'the stage that is built; default the last' }),
    'build-arg': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'value of an ARG; of the environment without =VALUE',
      helpValue: 'NAME[=VALUE]',
    }),
    format: Flags.string({ options: ['text', 'json'], default: 'text', description: 'of the output' }),
    fix: Flags.boolean({ description: 'write what is safe to write into the Dockerfile' }),
    'dry-run': Flags.boolean({ dependsOn: ['fix'], description: 'show what --fix would write, as a diff' }),
    strict: Flags.boolean({ description: 'end with exit code 1 when anything is found' }),
    rules: Flags.boolean({ description: 'list the rules' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageLint);
    if (flags.rules) {
      const { ruleLines } = await import('../../cli/lint-rules.ts');
      for (const line of ruleLines(flags.format as 'text' | 'json')) this.print(line);
      return;
    }
    const [{ loadForLint }, { fixDockerfile, lintDockerfile }, { lintJson, lintLines }, cli] =
      await Promise.all([
        import('../../builder/load-for-lint.ts'),
        import('../../builder/dockerfile/lint/lint.ts'),
        import('../../cli/lint-output.ts'),
        import('../../cli/build-flags.ts'),
      ]);
    const loaded = await loadForLint(args.path, {
      file: flags.file,
      target: flags.target,
      buildArgs: cli.parseAssignments(flags['build-arg'] ?? [], process.env),
    });
    const { file, options } = loaded;
    let { text } = loaded;
    if (flags.fix) {
      const fixed = fixDockerfile(text, options);
      await this.#write({ ...loaded, fixed: fixed.text, count: fixed.fixed.length }, flags['dry-run']);
      if (flags['dry-run']) return;
      text = fixed.text;
    }
    const { findings, error, config } = lintDockerfile(text, options);
    const linted = { file, text, findings, ...(error === undefined ? {} : { error }) };
    if (flags.format === 'json') this.print(lintJson(linted));
    else if (error === undefined || findings.length > 0)
      for (const line of lintLines(linted)) this.print(line);
    if (error !== undefined && flags.format !== 'json') throw error;
    if (error !== undefined || (findings.length > 0 && (flags.strict || config.error))) process.exitCode = 1;
  }

  /** Writes the mended text, or shows it; a text from stdin goes to stdout. */
  async #write(work: FixedFile, dryRun: boolean): Promise<void> {
    const { file, path, text, fixed, count } = work;
    if (dryRun) {
      const { unifiedDiff } = await import('../../util/unified-diff.ts');
      for (const line of unifiedDiff(text, fixed, { before: file, after: file })) this.print(line);
      return;
    }
    if (path === undefined) {
      throw new HawserError('INVALID_ARGUMENT', 'what comes from stdin cannot be written', {
        remedy: 'Add --dry-run for a diff.',
      });
    }
    if (fixed === text) return;
    const { replaceDockerfile } = await import('../../builder/load-for-lint.ts');
    await replaceDockerfile(path, { from: text, to: fixed });
    this.note(`${file}: ${count === 1 ? '1 place' : `${count} places`} mended`);
  }
}
