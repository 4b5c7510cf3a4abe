import type { TransferEvent } from '../registry-client/progress.ts';
import { humanSize } from './human.ts';
import { LiveLines } from './live-lines.ts';
import { progressBar } from './progress-bar.ts';
import { isLiveTerminal } from './terminal.ts';

type TransferVerb = 'pull' | 'push' | 'copy';

const words: Readonly<Record<TransferVerb, Readonly<Record<TransferEvent['state'], string>>>> = {
  pull: {
    waiting: 'Waiting',
    running: 'Downloading',
    exists: 'Already exists',
    mounted: 'Mounted',
    done: 'Pull complete',
  },
  push: {
    waiting: 'Waiting',
    running: 'Pushing',
    exists: 'Layer already exists',
    mounted: 'Mounted',
    done: 'Pushed',
  },
  copy: {
    waiting: 'Waiting',
    running: 'Copying',
    exists: 'Already exists',
    mounted: 'Mounted',
    done: 'Copied',
  },
};

/** Shows pulls and pushes on stderr: bars on a terminal, else one line for each blob when it is finished. */
export class TransferProgress {
  readonly #verb: TransferVerb;
  readonly #blobs = new Map<string, TransferEvent>();
  readonly #live: LiveLines | undefined;
  readonly #quiet: boolean;

  constructor(verb: TransferVerb, options: { readonly quiet: boolean }) {
    this.#verb = verb;
    this.#quiet = options.quiet;
    this.#live =
      !options.quiet && isLiveTerminal() ? new LiveLines(process.stderr, () => this.#lines()) : undefined;
  }

  #line(event: TransferEvent): string {
    const title = `${event.digest.replace(/^sha\d+:/, '').slice(0, 12)}: ${words[this.#verb][event.state]}`;
    if (event.state !== 'running') return title;
    if (event.total === undefined) return `${title} ${humanSize(event.done)}`;
    return `${title} ${progressBar(event.done, event.total)} ${humanSize(event.done)}/${humanSize(event.total)}`;
  }

  #lines(): string[] {
    return [...this.#blobs.values()].map(event => this.#line(event));
  }

  update(event: TransferEvent): void {
    const before = this.#blobs.get(event.digest);
    this.#blobs.set(event.digest, event);
    if (this.#quiet || this.#live !== undefined || before?.state === event.state) return;
    if (event.state !== 'waiting' && event.state !== 'running')
      process.stderr.write(`${this.#line(event)}\n`);
  }

  stop(): void {
    this.#live?.stop();
  }
}
