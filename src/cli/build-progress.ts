import { type BuildObserver, silentObserver } from '../builder/observer.ts';
import { LiveBuildProgress } from './build-progress-live.ts';
import { PlainBuildProgress } from './build-progress-plain.ts';
import { isLiveTerminal } from './terminal.ts';

export interface BuildProgressView {
  readonly observer: BuildObserver;
  /** Ends the view; harmless twice. */
  stop(): void;
}

/** The view of a build on stderr: in place on a terminal, line by line elsewhere. */
export function chooseBuildProgress(kind: 'auto' | 'plain' | 'tty' | 'quiet'): BuildProgressView {
  if (kind === 'quiet') return { observer: silentObserver, stop: () => undefined };
  if (kind === 'tty' || (kind === 'auto' && isLiveTerminal())) {
    const observer = new LiveBuildProgress();
    return { observer, stop: () => observer.stop() };
  }
  const observer = new PlainBuildProgress(line => process.stderr.write(`${line}\n`));
  return { observer, stop: () => observer.stop() };
}
