import { Command, Errors, type Interfaces } from '@oclif/core';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { hawserRoots, type Roots } from '../util/roots.ts';
import { writeLine } from './stdout.ts';

/** What every command has: the roots, a signal that Ctrl-C fires, and errors in the house's form. */
export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = false;
  readonly roots: Roots = hawserRoots(process.env);
  /** So many signals end the process at once, whatever it leaves. */
  protected readonly patience: number = 2;
  readonly #interrupted = new AbortController();
  /** 128 + the number of the first signal. */
  #signalled: number | undefined;

  /** Fires on the first SIGINT or SIGTERM. */
  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  /** Runs it, and what belongs before and after. */
  start(): Promise<unknown> {
    return this._run();
  }

  override async init(): Promise<void> {
    let signals = 0;
    const interrupt = (name: NodeJS.Signals) => {
      this.#signalled ??= name === 'SIGINT' ? 130 : 143;
      if (++signals >= this.patience) process.exit(this.#signalled);
      this.#interrupted.abort(new Error(`interrupted by ${name}`));
    };
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
  }

  /** As oclif's, but that what stdin holds is never taken for an argument that was not given. */
  protected override parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    for (const argument of Object.values(options.args ?? {})) argument.ignoreStdin = true;
    return super.parse(options, argv);
  }

  /** Prints a result line to stdout. */
  print(line: string): void {
    writeLine(line);
  }

  /** Prints a message to stderr. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  override async catch(error: Interfaces.CommandError): Promise<never> {
    if (error instanceof Errors.ExitError) {
      process.exitCode = error.oclif.exit ?? 1;
      throw error;
    }
    if (isHawserError(error, 'ABORTED') && this.#signalled !== undefined) {
      throw new HawserError('ABORTED', error.message, { cause: error.cause, exitCode: this.#signalled });
    }
    if (error instanceof Errors.CLIError && !(error instanceof HawserError)) {
      // oclif adds paragraphs of general advice below the first.
      const [first = ''] = error.message.split('\n\n');
      const summary = first
        .replaceAll(/:\n/g, ': ')
        .replace(/\nSee more help with --help\s*$/, '')
        .trim();
      throw new HawserError('INVALID_ARGUMENT', summary, {
        remedy: `See hawser ${this.id?.replaceAll(':', ' ')} --help.`,
      });
    }
    throw error;
  }
}
