import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import { isRunning } from '../../util/process-identity.ts';
import type { BuildAbout, BuildEnd, OutputEvent, RecordEvent, RecordHead } from './record-events.ts';

export interface RecordedStep {
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly string[];
  state: 'waiting' | 'running' | 'cached' | 'done' | 'failed';
  /** Milliseconds since the build's start; undefined before it, and `end` while it runs. */
  start?: number;
  end?: number;
  error?: string;
  /** Bytes of its output. */
  output: number;
}

export interface BuildRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly about: BuildAbout;
  /** `killed` where its process ended without a word. */
  readonly status: BuildEnd | 'running' | 'killed';
  /** Milliseconds; of one that was killed, to the last that is known. */
  readonly duration: number;
  readonly image?: string;
  readonly error?: string;
  readonly warnings: readonly string[];
  /** In the order in which they began; those that never did come last. */
  readonly steps: readonly RecordedStep[];
}

/** Every line that is whole: a kill may have cut the last one. */
async function* linesOf(path: string): AsyncGenerator<unknown> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    try {
      yield JSON.parse(line);
    } catch {
      return; // cut
    }
  }
}

/** What its programs wrote, in order, to the byte. */
export async function* outputOf(path: string): AsyncGenerator<OutputEvent & { readonly bytes: Uint8Array }> {
  for await (const line of linesOf(path)) {
    const event = line as RecordEvent;
    if (event.event === 'output') yield { ...event, bytes: bytesOf(event) };
  }
}

/** All that happened, in order. */
export async function* eventsOf(path: string): AsyncGenerator<RecordEvent> {
  for await (const line of linesOf(path)) if ('event' in (line as object)) yield line as RecordEvent;
}

export function bytesOf({ text, base64 }: OutputEvent): Uint8Array {
  return text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
}

/** The build of a file; undefined where it is gone, or was cut before its first line was whole. */
export async function readRecord(path: string): Promise<BuildRecord | undefined> {
  let head: RecordHead | undefined;
  const reading = new RecordReading();
  try {
    for await (const line of linesOf(path)) {
      if (head === undefined) head = line as RecordHead;
      else reading.take(line as RecordEvent);
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  return head === undefined ? undefined : reading.result(head);
}

class RecordReading {
  readonly #steps = new Map<string, RecordedStep>();
  readonly #planned = new Map<string, RecordedStep>();
  readonly #warnings: string[] = [];
  #end: (RecordEvent & { readonly event: 'end' }) | undefined;
  #last = 0;

  take(event: RecordEvent): void {
    this.#last = Math.max(this.#last, event.at);
    if (event.event === 'plan') {
      for (const { id, name, inputs = [] } of event.steps) {
        this.#planned.set(id, { id, name, inputs, state: 'waiting', output: 0 });
      }
    } else if (event.event === 'warning') this.#warnings.push(event.text);
    else if (event.event === 'end') this.#end = event;
    else this.#takeStep(event);
  }

  #takeStep(event: Exclude<RecordEvent, { readonly event: 'plan' | 'warning' | 'end' }>): void {
    const step = this.#stepOf(event.step, 'name' in event ? event.name : event.step);
    if (event.event === 'output') {
      step.output += bytesOf(event).length;
      return;
    }
    step.start ??= event.at;
    if (event.event === 'start') {
      step.state = 'running';
      return;
    }
    step.state = event.event;
    step.end = event.at;
    if (event.event === 'failed') step.error = event.error;
  }

  #stepOf(id: string, name: string): RecordedStep {
    let step = this.#steps.get(id);
    if (step === undefined) {
      step = this.#planned.get(id) ?? { id, name, inputs: [], state: 'waiting', output: 0 };
      this.#steps.set(id, step);
    }
    return step;
  }

  result({ id, started, about, pid, processStart }: RecordHead): BuildRecord {
    const runs = this.#end === undefined && isRunning({ pid, start: processStart });
    const { image, error, end } = this.#end ?? {};
    const never = [...this.#planned.values()].filter(step => !this.#steps.has(step.id));
    return {
      id,
      started,
      about,
      status: end ?? (runs ? 'running' : 'killed'),
      duration: runs ? Date.now() - started : this.#last,
      ...(image === undefined ? {} : { image }),
      ...(error === undefined ? {} : { error }),
      warnings: this.#warnings,
      steps: [...this.#steps.values(), ...never],
    };
  }
}
