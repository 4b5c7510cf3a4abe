import type { PushImage } from '../builder/export/export-image.ts';
import { parseReference } from '../image/reference.ts';
import { referrerDescriptor } from '../image/referrers.ts';
import { pushImage } from '../registry-client/push.ts';
import { createTransport } from '../registry-client/transport.ts';
import { transferTotal } from './transfer-total.ts';

/** What a build pushes, as it is in the store. */
export const pushBuilt: PushImage = async (
  { name, byDigest, plainHttp },
  { store, image, attestations, signal, onProgress },
) => {
  const transport = createTransport({ plainHttp });
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
      onProgress: transferTotal(onProgress),
    });
  } finally {
    transport.close();
  }
};
