import { throwIfAborted } from '../util/abort.ts';
import type { TarEntry } from './entry.ts';
import { type TarLimits, TarParser } from './parser.ts';

export interface TarMember {
  readonly entry: TarEntry;
  /** The body, once, before the next entry is asked for; what is left unread is passed over. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ReadTarOptions extends TarLimits {
  readonly signal?: AbortSignal | undefined;
}

type Event = { readonly entry: TarEntry } | { readonly data: Buffer } | { readonly hole: number } | 'end';

const zeros = Buffer.alloc(64 * 1024);

function* zeroChunks(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= zeros.length)
    yield zeros.subarray(0, Math.min(left, zeros.length));
}

/** Events of one chunk at a time, so that nothing is buffered beyond it. */
async function* tarEvents(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadTarOptions,
): AsyncGenerator<Event> {
  let events: Event[] = [];
  const parser = new TarParser(
    {
      entry: entry => void events.push({ entry }),
      data: data => void events.push({ data }),
      hole: hole => void events.push({ hole }),
      entryEnd: () => void events.push('end'),
    },
    options,
  );
  for await (const chunk of source) {
    throwIfAborted(options.signal);
    parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    const batch = events;
    events = [];
    yield* batch;
  }
  parser.finish();
}

async function* bodyOf(events: AsyncGenerator<Event>, state: { open: boolean }): AsyncGenerator<Uint8Array> {
  while (state.open) {
    const { value: event, done } = await events.next();
    if (done === true || event === 'end') state.open = false;
    else if ('data' in event) yield event.data;
    else if ('hole' in event) yield* zeroChunks(event.hole);
  }
}

/**
 * The members of an archive, sparse files expanded.
 *
 * @throws HawserError TAR_INVALID, ABORTED
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarMember> {
  const events = tarEvents(source, options);
  try {
    for (;;) {
      const { value: event, done } = await events.next();
      if (done === true) return;
      if (event === 'end' || !('entry' in event)) continue;
      const state = { open: true };
      yield { entry: event.entry, body: bodyOf(events, state) };
      while (state.open) {
        const next = await events.next();
        if (next.done === true || next.value === 'end') state.open = false;
      }
    }
  } finally {
    await events.return(undefined);
  }
}
