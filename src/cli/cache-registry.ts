import type { CacheSource } from '../builder/cache/cache-source.ts';
import type { PushCache } from '../builder/cache/export-cache.ts';
import { parseReference, withDefaultTag } from '../image/reference.ts';
import { downloadBlob } from '../registry-client/download.ts';
import { pushImage } from '../registry-client/push.ts';
import { resolveRemote, scopeOf } from '../registry-client/resolve.ts';
import { createTransport } from '../registry-client/transport.ts';

/** `--cache-to type=registry` */
export const pushCache: PushCache = async ({ reference, plainHttp }, artifact) => {
  const transport = createTransport({ plainHttp });
  try {
    await pushImage(transport, withDefaultTag(parseReference(reference)), artifact);
  } finally {
    transport.close();
  }
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
