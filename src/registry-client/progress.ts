import type { Digest } from '../image/digest.ts';

/** One step of one blob's way from or to a registry. */
export interface TransferEvent {
  /** The blob as the local manifest names it. */
  readonly digest: Digest;
  readonly state: 'waiting' | 'running' | 'exists' | 'mounted' | 'done';
  /** Bytes so far. */
  readonly done: number;
  /** Bytes in all; undefined where nobody knows yet, e.g. while a layer is being compressed. */
  readonly total?: number | undefined;
}

export type OnTransfer = (event: TransferEvent) => void;

/** Counts the bytes that pass. */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (total: number) => void,
): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    onBytes(total);
    yield chunk;
  }
}
