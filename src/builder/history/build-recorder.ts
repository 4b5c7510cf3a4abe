import { isUtf8 } from 'node:buffer';
import { randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { messageOf } from '../../errors/hawser-error.ts';
import { elapsed } from '../../util/elapsed.ts';
import { ownIdentity } from '../../util/process-identity.ts';
import type { BuildObserver, BuildVertex } from '../observer.ts';
import { keepBounds, recordPath } from './history-folder.ts';
import type { BuildAbout, BuildEnd, PlannedStep, RecordEvent, RecordHead } from './record-events.ts';

/** After so many milliseconds the record is on disk, lest a kill lose it; a build that is all cached ends before. */
const patience = 250;

/**
 * Writes what a build tells into a file of its own. Nothing is written before a program inside says something, or the
 * build takes its time; from then on each thing at once, so that a `kill -9` loses nothing that was said.
 */
export class BuildRecorder implements BuildObserver {
  readonly id: string;
  readonly #folder: string;
  readonly #start = elapsed();
  readonly #timer: NodeJS.Timeout;
  #waiting: string[] = [];
  #descriptor: number | undefined;
  #failure: unknown;
  #ended = false;
  #hasOutput = false;

  constructor(folder: string, about: BuildAbout) {
    const started = Date.now();
    this.id = `${started.toString(36)}${randomInt(36 ** 5)
      .toString(36)
      .padStart(5, '0')}`;
    this.#folder = folder;
    const { pid, start } = ownIdentity();
    const head: RecordHead = { version: 1, id: this.id, started, pid, processStart: start, about };
    this.#waiting.push(JSON.stringify(head));
    this.#timer = setTimeout(() => this.#write(), patience).unref();
  }

  /** Why nothing could be written, e.g. for want of space; the build goes on without. */
  get failure(): unknown {
    return this.#failure;
  }

  #at(): number {
    return Math.round((elapsed() - this.#start) * 1000) / 1000;
  }

  #take(event: RecordEvent): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#waiting.push(JSON.stringify(event));
    if (this.#descriptor !== undefined) this.#write();
  }

  #write(): void {
    if (this.#waiting.length === 0 || this.#failure !== undefined) return;
    const bytes = Buffer.from(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
    try {
      this.#descriptor ??= this.#open();
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
    } catch (error) {
      this.#failure = error;
    }
  }

  #open(): number {
    clearTimeout(this.#timer);
    const path = recordPath(this.#folder, this.id);
    try {
      return openSync(path, 'ax', 0o600); // what programs say may be secret
    } catch {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      return openSync(path, 'ax', 0o600);
    }
  }

  planned(vertices: readonly BuildVertex[]): void {
    const steps = vertices.map(
      ({ id, name, inputs }): PlannedStep => (inputs === undefined ? { id, name } : { id, name, inputs }),
    );
    this.#take({ event: 'plan', at: this.#at(), steps });
  }

  vertexStarted({ id, name }: BuildVertex): void {
    this.#take({ event: 'start', at: this.#at(), step: id, name });
  }

  vertexOutput({ id }: BuildVertex, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    this.#hasOutput = true;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const said = isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') };
    this.#take({ event: 'output', at: this.#at(), step: id, stream, ...said });
    this.#write();
  }

  vertexCached({ id, name }: BuildVertex): void {
    this.#take({ event: 'cached', at: this.#at(), step: id, name });
  }

  vertexDone({ id }: BuildVertex): void {
    this.#take({ event: 'done', at: this.#at(), step: id });
  }

  vertexFailed({ id }: BuildVertex, error: unknown): void {
    this.#take({ event: 'failed', at: this.#at(), step: id, error: messageOf(error) });
  }

  warning(text: string): void {
    this.#take({ event: 'warning', at: this.#at(), text });
  }

  /** Ends the record, once, and lets older builds go. */
  end(end: BuildEnd, result: { readonly image?: string; readonly error?: string } = {}): void {
    if (this.#ended) return;
    this.#take({ event: 'end', at: this.#at(), end, ...result });
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#write();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    if (this.#failure !== undefined) return;
    try {
      keepBounds(this.#folder, { measure: this.#hasOutput });
    } catch (error) {
      this.#failure = error;
    }
  }
}
