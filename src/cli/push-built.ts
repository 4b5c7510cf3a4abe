import type { PushImage } from '../builder/export/export-image.ts';
import { parseReference } from '../image/reference.ts';
import { referrerDescriptor } from '../image/referrers.ts';
import type { TransferEvent } from '../registry-client/progress.ts';
import { pushImage } from '../registry-client/push.ts';
import { createTransport } from '../registry-client/transport.ts';

/** What a build pushes, as it is in the store. */
export const pushBuilt: PushImage = async (
  { name, byDigest, plainHttp },
  { store, image, attestations, signal, onProgress },
) => {
  const transport = createTransport({ plainHttp });
  const blobs = new Map<string, { readonly done: number; readonly total: number }>();
  const onTransfer = ({ digest, done, total }: TransferEvent) => {
    blobs.set(digest, { done, total: total ?? done });
    const all = [...blobs.values()];
    onProgress({
      done: all.reduce((sum, blob) => sum + blob.done, 0),
      total: all.reduce((sum, blob) => sum + blob.total, 0),
    });
  };
  try {
    const { descriptor } = image;
    await pushImage(transport, parseReference(name), {
      store,
      descriptor,
      byDigest,
      referrersOf: async digest =>
        attestations.flatMap(({ subject, manifest }) =>
          subject.digest === digest ? [referrerDescriptor(manifest)] : [],
        ),
      signal,
      onProgress: onTransfer,
    });
  } finally {
    transport.close();
  }
};
