import { once } from 'node:events';
import { bytesOf, eventsOf, outputOf, readRecord } from '../builder/history/read-record.ts';
import type { RecordEvent } from '../builder/history/record-events.ts';
import type { BuildObserver } from '../builder/observer.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { nearest } from '../util/nearest.ts';
import { PlainBuildProgress } from './build-progress-plain.ts';
import { RawJsonProgress } from './build-progress-rawjson.ts';
import { wantsColour } from './terminal.ts';

/** Writes to stdout, and waits where its reader is slow. */
async function put(bytes: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

/** Tells an observer again what a build told. */
class Replay {
  readonly #observer: BuildObserver;
  readonly #names = new Map<string, { readonly name: string; readonly inputs?: readonly string[] }>();

  constructor(observer: BuildObserver) {
    this.#observer = observer;
  }

  tell(event: RecordEvent): void {
    if (event.event === 'plan') {
      for (const { id, ...step } of event.steps) this.#names.set(id, step);
      this.#observer.planned?.(event.steps);
    } else if (event.event === 'warning') this.#observer.warning?.(event.text);
    else if (event.event !== 'end') this.#tellStep(event);
  }

  #tellStep(event: Exclude<RecordEvent, { readonly event: 'plan' | 'warning' | 'end' }>): void {
    if ('name' in event) {
      const { inputs } = this.#names.get(event.step) ?? {};
      this.#names.set(event.step, inputs === undefined ? { name: event.name } : { name: event.name, inputs });
    }
    const vertex = { id: event.step, name: event.step, ...this.#names.get(event.step) };
    if (event.event === 'start') this.#observer.vertexStarted(vertex);
    else if (event.event === 'output') this.#observer.vertexOutput(vertex, event.stream, bytesOf(event));
    else if (event.event === 'cached') this.#observer.vertexCached(vertex);
    else if (event.event === 'done') this.#observer.vertexDone(vertex);
    else if (event.event === 'failed') this.#observer.vertexFailed(vertex, new Error(event.error));
  }
}

/** The log of a build as it was shown while it went on. */
export async function writeLog(file: string, form: 'plain' | 'rawjson', signal: AbortSignal): Promise<void> {
  let lines: string[] = [];
  let [now, started] = [0, 0];
  const write = (line: string) => void lines.push(line);
  const plain = new PlainBuildProgress(write, { now: () => now, colour: wantsColour() });
  const clock = () => new Date(started + now);
  const replay = new Replay(form === 'plain' ? plain : new RawJsonProgress(write, clock));
  started = (await readRecord(file))?.started ?? 0;
  const flush = async () => {
    if (lines.length > 0) await put(`${lines.join('\n')}\n`);
    lines = [];
  };
  for await (const event of eventsOf(file)) {
    throwIfAborted(signal);
    now = event.at;
    replay.tell(event);
    if (lines.length > 1000) await flush();
  }
  if (form === 'plain') plain.stop();
  await flush();
}

/** What programs of the steps wrote, and nothing else. @throws HawserError NOT_FOUND where no step has such a name */
export async function writeStepOutput(file: string, text: string, signal: AbortSignal): Promise<void> {
  const steps = (await readRecord(file))?.steps ?? [];
  const wanted = new Set(steps.filter(({ name }) => name.includes(text)).map(({ id }) => id));
  if (wanted.size === 0) {
    const near = nearest(
      text,
      steps.map(({ name }) => name),
    );
    throw new HawserError('NOT_FOUND', `no step of the build has ${JSON.stringify(text)} in its name`, {
      remedy: near === undefined ? 'See hawser builder history inspect.' : `Did you mean ${near}?`,
    });
  }
  for await (const { step, bytes } of outputOf(file)) {
    throwIfAborted(signal);
    if (wanted.has(step)) await put(bytes);
  }
}
