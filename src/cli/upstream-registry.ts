import type { RepositoryName } from '../distribution/names.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { mediaTypes } from '../image/media-types.ts';
import type { Reference } from '../image/reference.ts';
import { listRemoteTags } from '../registry-client/browse.ts';
import { downloadBlob } from '../registry-client/download.ts';
import { HostRules } from '../registry-client/hosts/host-rules.ts';
import { listRemoteReferrers } from '../registry-client/list-referrers.ts';
import { lookUpBlob, lookUpDigest } from '../registry-client/look-up.ts';
import { resolveRemote, scopeOf } from '../registry-client/resolve.ts';
import { createTransport } from '../registry-client/transport.ts';
import type { ProxySettings } from '../registry-server/config/proxy-schema.ts';
import type { Upstream } from '../registry-server/proxy/upstream.ts';

/**
 * Whether two hosts belong to one owner, as far as names tell: the same host, or one domain of two labels, of three below
 * a suffix like `co.uk`.
 */
export function sharesDomain(one: string, other: string): boolean {
  if (one === other) return true;
  if ([one, other].some(host => /^[\d.]+$|^\[/.test(host))) return false;
  const domainOf = (host: string) => {
    const labels = host.toLowerCase().split('.');
    const isShort = (labels.at(-1) ?? '').length === 2 && (labels.at(-2) ?? '').length <= 3;
    return labels.slice(isShort ? -3 : -2).join('.');
  };
  return domainOf(one).includes('.') && domainOf(one) === domainOf(other);
}

/** What upstream says about what it does not have, or does not show to us. */
const absent = ['MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'NAME_UNKNOWN', 'UNAUTHORIZED', 'DENIED'] as const;

async function unlessAbsent<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (absent.some(code => isHawserError(error, code))) return undefined;
    throw error;
  }
}

async function gather<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The registry that a cache is in front of; its credentials go to it and to token servers of its own domain alone (CVE-2026-33540). */
export function upstreamRegistry({ remote, credentials }: ProxySettings): Upstream & { close(): void } {
  const domain = remote.host;
  const transport = createTransport({
    plainHttp: remote.protocol === 'http:',
    // the machine's mirrors may be this very registry
    rules: HostRules.none(),
    credentials: async host =>
      host === domain && credentials !== undefined ? { kind: 'password', ...credentials } : undefined,
    trustsRealm: (realm, registry) => sharesDomain(realm.hostname, registry.hostname),
  });
  const at = <Named extends Partial<Reference>>(path: RepositoryName, named?: Named) => ({
    domain,
    path,
    ...(named as Named),
  });
  return {
    digestOf: async (name, tag) =>
      await unlessAbsent(
        async () =>
          (await lookUpDigest(transport, at(name, { tag }))) ??
          (await resolveRemote(transport, at(name, { tag }))).digest,
      ),
    manifest: async (name, reference) =>
      await unlessAbsent(() =>
        resolveRemote(
          transport,
          at(name, reference.kind === 'tag' ? { tag: reference.tag } : { digest: reference.digest }),
        ),
      ),
    blobSize: async (name, digest: Digest) =>
      await unlessAbsent(() => lookUpBlob(transport, { ...at(name), digest })),
    blob: (name, { digest, size }, signal) =>
      downloadBlob(
        transport,
        { mediaType: mediaTypes.ociLayer, digest, size },
        { scope: scopeOf(at(name), 'pull'), signal },
      ),
    referrers: async (name, subject) =>
      await unlessAbsent(() => listRemoteReferrers(transport, at(name), { subject })),
    tags: async name => await unlessAbsent(() => gather(listRemoteTags(transport, at(name)))),
    close: () => transport.close(),
  };
}
