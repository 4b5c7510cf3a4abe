import { type Digest, isDigest } from '../../image/digest.ts';

/** What keeps other content alive as long as a manifest lives. */
export interface ManifestReferences {
  /** Everything that it names: config, layers, children; children may be blobs too, as build caches have them. */
  readonly all: readonly Digest[];
  /** The children of an index. */
  readonly children: readonly Digest[];
  readonly subject: Digest | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function digestsIn(value: unknown, key: string): Digest[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap(entry => {
    const digest = isFields(entry) ? entry[key] : undefined;
    return typeof digest === 'string' && isDigest(digest) ? [digest] : [];
  });
}

/**
 * What a stored document refers to, whatever registry took it and whatever kind it is: image manifests, indexes, artifact
 * manifests (`blobs`), Docker's schema 1 (`fsLayers`). Undefined where it cannot be read.
 */
export function referencesIn(bytes: Uint8Array): ManifestReferences | undefined {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // not JSON
  }
  if (!isFields(document)) return undefined;
  const children = digestsIn(document.manifests, 'digest');
  const blobs = ['config', 'layers', 'blobs'].flatMap(name => digestsIn(document[name], 'digest'));
  const [subject] = digestsIn(document.subject, 'digest');
  return { all: [...blobs, ...digestsIn(document.fsLayers, 'blobSum'), ...children], children, subject };
}
