import { type BuildObserver, silentObserver } from '../builder/observer.ts';
import { PlainBuildProgress } from './build-progress-plain.ts';
import { isLiveTerminal, wantsColour } from './terminal.ts';

export const progressKinds = ['auto', 'plain', 'tty', 'rawjson', 'quiet', 'none'] as const;

export type ProgressKind = (typeof progressKinds)[number];

export interface BuildProgressView {
  readonly observer: BuildObserver;
  /** Leaves the terminal to somebody else while `work` goes on. */
  away<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Ends the view; harmless twice. */
  stop(): void;
}

const stays = { away: <Result>(work: () => Promise<Result>) => work(), stop: () => undefined };

/** The view of a build on stderr: in place on a terminal, line by line elsewhere. */
export async function chooseBuildProgress(kind: ProgressKind): Promise<BuildProgressView> {
  if (kind === 'quiet' || kind === 'none') return { ...stays, observer: silentObserver };
  const write = lineWriter(process.stderr);
  if (kind === 'rawjson') {
    const { RawJsonProgress } = await import('./build-progress-rawjson.ts');
    return { ...stays, observer: new RawJsonProgress(write) };
  }
  if (kind === 'tty' || (kind === 'auto' && isLiveTerminal())) {
    const { LiveBuildProgress } = await import('./build-progress-live.ts');
    const observer = new LiveBuildProgress();
    return { observer, away: work => observer.away(work), stop: () => observer.stop() };
  }
  const observer = new PlainBuildProgress(write, { colour: wantsColour() });
  return { ...stays, observer, stop: () => observer.stop() };
}

/**
 * Writes wait for a slow reader, as those to a terminal do: what a program says would pile up, and so it waits in turn.
 * Node makes pipes give way at once, and its switch for that has no public name.
 */
function lineWriter(stream: NodeJS.WriteStream): (lines: string) => void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?: (blocking: boolean) => number } };
  handle?.setBlocking?.(true);
  return lines => stream.write(`${lines}\n`);
}
