import { type CacheSource, localCacheSource } from '../builder/cache/cache-source.ts';
import type { CacheTarget } from '../builder/cache/export-cache.ts';
import { isDigest } from '../image/digest.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import { FlagFields } from './flag-fields.ts';

/** A bare REF is `type=registry,ref=REF`, as in Docker. */
function cacheFields(name: '--cache-to' | '--cache-from', text: string) {
  const remedy =
    name === '--cache-to'
      ? 'Use type=registry,ref=REF or type=local,dest=FOLDER, with mode=min|max, mounts=true; or type=inline.'
      : 'Use REF, type=registry,ref=REF or type=local,src=FOLDER.';
  const fields = new FlagFields({ name, text, remedy, bare: 'ref' });
  const isBare = !text.includes('=');
  return { fields, type: fields.take('type') ?? (isBare ? 'registry' : fields.fail('it has no type')) };
}

function takeReference(fields: FlagFields): string {
  return formatReference(withDefaultTag(parseReference(fields.takeNeeded('ref'))));
}

/**
 * `type=registry,ref=REF | type=local,dest=FOLDER[,tag=NAME] | type=inline`, and `mode=min|max`,
 * `compression=gzip|zstd|uncompressed`, `compression-level=N`, `ignore-error=true`, BuildKit's names; and `mounts=true`.
 *
 * @throws HawserError INVALID_ARGUMENT, REFERENCE_INVALID
 */
export function parseCacheTarget(text: string): CacheTarget {
  const { fields, type } = cacheFields('--cache-to', text);
  const target = targetOf(fields, type);
  fields.end();
  return target;
}

function targetOf(fields: FlagFields, type: string): CacheTarget {
  if (type === 'inline') {
    fields.takeOne('mode', ['min'], 'min');
    return { type };
  }
  const common = {
    mode: fields.takeOne('mode', ['min', 'max'], 'min'),
    compression: fields.takeOne('compression', ['gzip', 'zstd', 'uncompressed'], 'gzip'),
    level: fields.takeNumber('compression-level'),
    mounts: fields.takeFlag('mounts'),
    ignoreError: fields.takeFlag('ignore-error'),
  };
  // What BuildKit has to be told, and is so here.
  for (const key of ['oci-mediatypes', 'image-manifest']) fields.takeOne(key, ['true'], 'true');
  if (type === 'registry') {
    return {
      type,
      ...common,
      reference: takeReference(fields),
      plainHttp: fields.takeFlag('registry.insecure'),
    };
  }
  if (type === 'local') {
    return { type, ...common, folder: fields.takeNeeded('dest'), tag: fields.take('tag') ?? 'latest' };
  }
  return fields.fail(`unknown type ${JSON.stringify(type)}`);
}

/**
 * `REF | type=registry,ref=REF | type=local,src=FOLDER[,tag=NAME][,digest=DIGEST]`
 *
 * @throws HawserError INVALID_ARGUMENT, REFERENCE_INVALID
 */
export async function parseCacheSource(text: string): Promise<CacheSource & { close?(): void }> {
  const { fields, type } = cacheFields('--cache-from', text);
  if (type === 'registry') {
    const reference = takeReference(fields);
    const plainHttp = fields.takeFlag('registry.insecure');
    fields.end();
    return (await import('./cache-registry.ts')).registryCacheSource(reference, { plainHttp });
  }
  if (type !== 'local') fields.fail(`unknown type ${JSON.stringify(type)}`);
  const folder = fields.takeNeeded('src');
  const digest = fields.take('digest');
  const name = fields.take('tag');
  fields.end();
  if (digest !== undefined && !isDigest(digest)) fields.fail('digest is none');
  const wanted =
    digest === undefined ? { name: name ?? 'latest' } : { digest, ...(name !== undefined && { name }) };
  return localCacheSource(folder, wanted);
}
