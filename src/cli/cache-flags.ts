import { type CacheSource, localCacheSource } from '../builder/cache/cache-source.ts';
import type { CacheTarget } from '../builder/cache/export-cache.ts';
import { parseCsv } from '../builder/dockerfile/csv.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { isDigest } from '../image/digest.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';

type Flag = '--cache-to' | '--cache-from';

/** The fields of a flag, each taken once; what nobody took is an error. */
class CacheFields {
  readonly type: string;
  readonly #values = new Map<string, string>();
  readonly #flag: Flag;
  readonly #text: string;

  /** A bare REF is `type=registry,ref=REF`, as in Docker. */
  constructor(flag: Flag, text: string) {
    this.#flag = flag;
    this.#text = text;
    const fields = parseCsv(text) ?? this.fail('a quote is not closed');
    if (fields.length === 1 && fields[0] !== undefined && !fields[0].includes('=')) {
      this.type = 'registry';
      this.#values.set('ref', fields[0]);
      return;
    }
    for (const field of fields) {
      const equals = field.indexOf('=');
      if (equals < 0) this.fail(`${JSON.stringify(field)} is not KEY=VALUE`);
      this.#values.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
    }
    this.type = this.take('type') ?? this.fail('it has no type');
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  takeOne<Value extends string>(key: string, values: readonly Value[], otherwise: Value): Value {
    const text = this.take(key) ?? otherwise;
    const found = values.find(value => value === text);
    return found ?? this.fail(`${key} must be one of ${values.join(', ')}, not ${JSON.stringify(text)}`);
  }

  takeFlag(key: string): boolean {
    return this.takeOne(key, ['true', 'false', '1', '0'], 'false').replace('1', 'true') === 'true';
  }

  takeNeeded(key: string): string {
    const value = this.take(key) ?? '';
    return value === '' ? this.fail(`it needs a ${key}`) : value;
  }

  takeReference(): string {
    return formatReference(withDefaultTag(parseReference(this.takeNeeded('ref'))));
  }

  end(): void {
    const [unknown] = this.#values.keys();
    if (unknown !== undefined) this.fail(`unknown field ${JSON.stringify(unknown)}`);
  }

  fail(why: string): never {
    const remedy =
      this.#flag === '--cache-to'
        ? 'Use type=registry,ref=REF or type=local,dest=FOLDER, with mode=min|max; or type=inline.'
        : 'Use REF, type=registry,ref=REF or type=local,src=FOLDER.';
    throw new HawserError('INVALID_ARGUMENT', `${this.#flag} ${JSON.stringify(this.#text)}: ${why}`, {
      remedy,
    });
  }
}

/**
 * `type=registry,ref=REF | type=local,dest=FOLDER[,tag=NAME] | type=inline`, and `mode=min|max`,
 * `compression=gzip|zstd|uncompressed`, `compression-level=N`, `ignore-error=true`; BuildKit's names.
 *
 * @throws HawserError INVALID_ARGUMENT, REFERENCE_INVALID
 */
export function parseCacheTarget(text: string): CacheTarget {
  const fields = new CacheFields('--cache-to', text);
  const target = targetOf(fields);
  fields.end();
  return target;
}

function targetOf(fields: CacheFields): CacheTarget {
  const { type } = fields;
  if (type === 'inline') {
    fields.takeOne('mode', ['min'], 'min');
    return { type };
  }
  const level = fields.take('compression-level');
  if (level !== undefined && !/^\d{1,2}$/.test(level)) fields.fail('compression-level is no number');
  const common = {
    mode: fields.takeOne('mode', ['min', 'max'], 'min'),
    compression: fields.takeOne('compression', ['gzip', 'zstd', 'uncompressed'], 'gzip'),
    level: level === undefined ? undefined : Number(level),
    ignoreError: fields.takeFlag('ignore-error'),
  };
  // What BuildKit has to be told, and is so here.
  for (const key of ['oci-mediatypes', 'image-manifest']) fields.takeOne(key, ['true'], 'true');
  if (type === 'registry') {
    return {
      type,
      ...common,
      reference: fields.takeReference(),
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
  const fields = new CacheFields('--cache-from', text);
  if (fields.type === 'registry') {
    const reference = fields.takeReference();
    const plainHttp = fields.takeFlag('registry.insecure');
    fields.end();
    return (await import('./cache-registry.ts')).registryCacheSource(reference, { plainHttp });
  }
  if (fields.type !== 'local') fields.fail(`unknown type ${JSON.stringify(fields.type)}`);
  const folder = fields.takeNeeded('src');
  const digest = fields.take('digest');
  const name = fields.take('tag');
  fields.end();
  if (digest !== undefined && !isDigest(digest)) fields.fail('digest is none');
  const wanted =
    digest === undefined ? { name: name ?? 'latest' } : { digest, ...(name !== undefined && { name }) };
  return localCacheSource(folder, wanted);
}
