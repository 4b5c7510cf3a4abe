import type { BuildResult } from '../builder/environment.ts';
import { BuildRecorder } from '../builder/history/build-recorder.ts';
import { historyFolder, recordPath } from '../builder/history/history-folder.ts';
import type { BuildAbout } from '../builder/history/record-events.ts';
import { type BuildObserver, joinObservers } from '../builder/observer.ts';
import { isHawserError, messageOf } from '../errors/hawser-error.ts';
import { type BuildProgressView, chooseBuildProgress, type ProgressKind } from './build-progress.ts';

export interface WatchOptions {
  /** HAWSER_ROOT */
  readonly root: string;
  readonly progress: ProgressKind;
  readonly about: BuildAbout;
  /** Where a Chrome trace goes. */
  readonly trace?: string | undefined;
}

/** Shows and records a build. A record that cannot be written is told, and stops nothing. */
export async function watchBuild(options: WatchOptions): Promise<BuildWatch> {
  const view = await chooseBuildProgress(options.progress);
  return new BuildWatch(options, view);
}

class BuildWatch {
  readonly observer: BuildObserver;
  readonly kind: ProgressKind;
  readonly #view: BuildProgressView;
  readonly #recorder: BuildRecorder;
  readonly #options: WatchOptions;
  #stopped = false;

  constructor(options: WatchOptions, view: BuildProgressView) {
    this.#options = options;
    this.kind = options.progress;
    this.#view = view;
    this.#recorder = new BuildRecorder(historyFolder(options.root), options.about);
    this.observer = joinObservers([view.observer, this.#recorder]);
  }

  /** Leaves the terminal to somebody else while `work` goes on. */
  away<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#view.away(work);
  }

  /** Waits for the end. @throws what the build throws */
  async follow(building: Promise<BuildResult>): Promise<BuildResult> {
    try {
      const result = await building;
      this.#recorder.end('done', { image: result.imageID });
      this.#view.stop();
      return result;
    } catch (error) {
      const end = isHawserError(error, 'ABORTED') ? 'cancelled' : 'failed';
      this.#recorder.end(end, { error: messageOf(error) });
      this.#view.stop();
      const isShown = this.kind !== 'rawjson' && this.kind !== 'quiet';
      if (isShown && isHawserError(error, 'BUILD_STEP_FAILED')) {
        note(`The whole log: hawser builder logs ${this.#recorder.id}`);
      }
      throw error;
    }
  }

  /** Ends the view and the record; harmless twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#recorder.end('failed');
    this.#view.stop();
    const { failure, id } = this.#recorder;
    const { root, trace } = this.#options;
    if (failure !== undefined) note(`warning: no record of the build is kept: ${messageOf(failure)}`);
    else if (trace !== undefined) {
      const { writeTrace } = await import('./build-trace.ts');
      await writeTrace(trace, recordPath(historyFolder(root), id));
    }
  }
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
