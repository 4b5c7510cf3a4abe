import { type BuildRecord, type RecordedStep, readRecord } from '../builder/history/read-record.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { lanesOf } from './build-lanes.ts';

/** Of the Trace Event Format: complete events (X), and metadata (M); times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const buildLane = 0;

/**
 * What chrome://tracing and Perfetto show: the build, and its steps in as many lanes as ran side by side.
 * https://chromium.googlesource.com/catapult, Trace Event Format
 */
export function traceOf(record: BuildRecord): { readonly traceEvents: readonly TraceEvent[] } {
  const pid = 1;
  const named = (tid: number, name: string): TraceEvent => ({
    name: 'thread_name',
    ph: 'M',
    pid,
    tid,
    args: { name },
  });
  const began = record.steps.filter(step => step.start !== undefined);
  const lanes = lanesOf(began, record.duration);
  const count = Math.max(0, ...lanes.map(lane => lane + 1));
  const { context, tags } = record.about;
  const about = { id: record.id, context, tags, status: record.status, image: record.image };
  return {
    traceEvents: [
      { name: 'process_name', ph: 'M', pid, tid: buildLane, args: { name: `hawser build ${context}` } },
      named(buildLane, 'build'),
      ...Array.from({ length: count }, (_, lane) => named(lane + 1, `steps ${lane + 1}`)),
      {
        name: 'build',
        cat: 'build',
        ph: 'X',
        pid,
        tid: buildLane,
        ts: 0,
        dur: micros(record.duration),
        args: about,
      },
      ...began.map((step, index) =>
        stepEvent(step, { pid, tid: (lanes[index] ?? 0) + 1, end: record.duration }),
      ),
    ],
  };
}

function stepEvent(
  step: RecordedStep,
  { pid, tid, end }: { readonly pid: number; readonly tid: number; readonly end: number },
): TraceEvent {
  const { name, state, error, inputs, output } = step;
  const ts = micros(step.start ?? 0);
  const dur = micros((step.end ?? end) - (step.start ?? 0));
  const args = { state, inputs, output, ...(error === undefined ? {} : { error }) };
  return { name, cat: state === 'cached' ? 'cached' : 'step', ph: 'X', pid, tid, ts, dur, args };
}

function micros(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

/** @throws HawserError NOT_FOUND when the record is gone */
export async function writeTrace(file: string, recordFile: string): Promise<void> {
  const record = await readRecord(recordFile);
  if (record === undefined) throw new HawserError('NOT_FOUND', 'the record of the build is gone');
  await writeFileAtomic(file, `${JSON.stringify(traceOf(record))}\n`);
}
