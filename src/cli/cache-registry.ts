import type { CacheSource } from '../builder/cache/cache-source.ts';
import type { OpenUploads, PushCache } from '../builder/cache/export-cache.ts';
import { parseReference, withDefaultTag } from '../image/reference.ts';
import { downloadBlob } from '../registry-client/download.ts';
import { pushImage } from '../registry-client/push.ts';
import { resolveRemote, scopeOf } from '../registry-client/resolve.ts';
import { createTransport } from '../registry-client/transport.ts';
import { uploadBlob } from '../registry-client/upload.ts';

/** `--cache-to type=registry` */
export const pushCache: PushCache = async ({ reference, plainHttp }, artifact) => {
  const transport = createTransport({ plainHttp });
  try {
    await pushImage(transport, withDefaultTag(parseReference(reference)), artifact);
  } finally {
    transport.close();
  }
};

/** A repository that layers go up to before their manifest does. */
export const openUploads: OpenUploads = async ({ reference, plainHttp }) => {
  const transport = createTransport({ plainHttp });
  const scope = scopeOf(withDefaultTag(parseReference(reference)), 'pull,push');
  return {
    async upload(layer, signal) {
      await uploadBlob(transport, layer, { scope, signal });
    },
    close: () => transport.close(),
  };
};

/** `--cache-from type=registry`; connections are kept until `close`. */
export function registryCacheSource(
  text: string,
  { plainHttp }: { readonly plainHttp: boolean },
): CacheSource & { close(): void } {
  const transport = createTransport({ plainHttp });
  const reference = withDefaultTag(parseReference(text));
  const scope = scopeOf(reference, 'pull');
  return {
    name: `registry cache ${text}`,
    manifest(digest, signal) {
      const { domain, path } = reference;
      const wanted = digest === undefined ? reference : { domain, path, digest };
      return resolveRemote(transport, wanted, { scope, signal });
    },
    blob: (descriptor, signal) => downloadBlob(transport, descriptor, { scope, signal }),
    close: () => transport.close(),
  };
}
