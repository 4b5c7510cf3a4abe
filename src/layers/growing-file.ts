import { closeSync, openSync, readSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ArrivingBlob } from '../content/arrivals.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { Deferred } from '../util/deferred.ts';

/** A file that is being written, as a worker thread reads it. */
export interface GrowingFile {
  /** Of the process; whoever called `followArrival` closes it. */
  readonly fd: number;
  /** Tells how many bytes there are, again and again, and then that they are all, or that no more will come. */
  readonly port: MessagePort;
}

type Growth = number | 'whole' | 'broken';

const chunkSize = 1024 * 1024;

/** Lends an arriving blob to a worker thread, until `stop`. @throws ENOENT where it has arrived meanwhile */
export function followArrival(blob: ArrivingBlob): { readonly file: GrowingFile; stop(): void } {
  const fd = openSync(blob.path, 'r');
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const tell = (growth: Growth) => port1.postMessage(growth, []);
  tell(blob.written);
  const stopTelling = blob.onGrowth(tell);
  blob.done.then(
    () => tell('whole'),
    () => tell('broken'),
  );
  return {
    file: { fd, port: port2 },
    stop() {
      stopTelling();
      port1.close();
      closeSync(fd);
    },
  };
}

/** The bytes of the file as they come. @throws HawserError ABORTED where no more will come */
export async function* readGrowing({ fd, port }: GrowingFile): AsyncGenerator<Buffer, void> {
  let written = 0;
  let end: 'whole' | 'broken' | undefined;
  let change = new Deferred<void>();
  port.on('message', (growth: Growth) => {
    if (typeof growth === 'number') written = growth;
    else end = growth;
    change.resolve();
  });
  try {
    for (let position = 0; ; ) {
      while (position < written) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(chunkSize, written - position));
        const length = readSync(fd, buffer, 0, buffer.length, position);
        if (length === 0) throw new HawserError('STORE_CORRUPT', 'a blob became shorter while it arrived');
        position += length;
        yield buffer.subarray(0, length);
      }
      if (end === 'whole') return;
      if (end === 'broken') throw new HawserError('ABORTED', 'the layer did not arrive');
      await change.promise;
      change = new Deferred();
    }
  } finally {
    port.close();
  }
}
