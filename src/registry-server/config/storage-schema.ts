import type { S3Settings } from '../storage/s3/s3-settings.ts';
import { type ConfigNode, configError, missingNode } from './config-node.ts';
import {
  boolean,
  duration,
  entriesOf,
  integer,
  needless,
  oneOf,
  type ReadContext,
  type Reader,
  refused,
  section,
  text,
} from './readers.ts';
import { s3Section } from './s3-schema.ts';

/** What holds the volume. */
export type StorageSettings =
  | { readonly kind: 'filesystem'; readonly root: string }
  | { readonly kind: 'inmemory' }
  | ({ readonly kind: 's3' } & S3Settings);

const filesystem = section({
  rootdirectory: text('/var/lib/registry'),
  maxthreads: needless(integer(100, { min: 25 }), 'hawser never has that many file operations at once'),
});

const unknownDriver: Reader<never> = node => {
  throw configError(
    node,
    'cannot be honoured: hawser keeps volumes on a file system, in S3 or in memory',
    'Use s3, which most object stores speak, or filesystem.',
  );
};

const s3Driver: Reader<StorageSettings> = (node, context) => ({ kind: 's3', ...s3Section(node, context) });

const drivers: Readonly<Record<string, Reader<StorageSettings>>> = {
  filesystem: (node, context) => ({ kind: 'filesystem', root: filesystem(node, context).rootdirectory }),
  inmemory: (node, context) => {
    section({})(node, context);
    return { kind: 'inmemory' };
  },
  s3: s3Driver,
  s3aws: s3Driver,
  gcs: unknownDriver,
  azure: unknownDriver,
  oss: unknownDriver,
  swift: unknownDriver,
};

const purging = section({
  enabled: boolean(true),
  age: duration(168 * 3_600_000),
  interval: duration(24 * 3_600_000),
  dryrun: boolean(false),
});

const needlessCache = 'what a repository has is asked on disk every time, so there is no descriptor cache';

const options = {
  delete: section({ enabled: boolean(false) }),
  redirect: section({ disable: boolean(false) }),
  cache: section({
    blobdescriptor: needless(oneOf(['inmemory'], undefined), needlessCache),
    layerinfo: needless(oneOf(['inmemory'], undefined), needlessCache),
    blobdescriptorsize: needless(integer(10_000), needlessCache),
  }),
  maintenance: section({
    uploadpurging: purging,
    readonly: section({ enabled: boolean(false) }),
  }),
  tag: section({ concurrencylimit: integer(16, { min: 1, max: 1000 }) }),
};

function driverOf(node: ConfigNode, context: ReadContext): StorageSettings {
  const entries =
    node.value.kind === 'scalar'
      ? new Map<string, ConfigNode>([[node.value.text, missingNode(node, node.value.text)]])
      : entriesOf(node);
  const chosen = [...entries].filter(([key]) => !Object.hasOwn(options, key));
  const [first, second] = chosen;
  if (first === undefined)
    throw configError(node, 'no storage configuration provided', 'Name one, e.g. filesystem.');
  if (second !== undefined) {
    throw configError(
      second[1],
      `there are two storage drivers, ${first[0]} and ${second[0]}`,
      'Keep one of them.',
    );
  }
  const read = Object.hasOwn(drivers, first[0]) ? drivers[first[0]] : undefined;
  if (read === undefined) {
    throw configError(
      first[1],
      'there is no such storage driver',
      `Known: ${Object.keys(drivers).join(', ')}.`,
    );
  }
  return read(first[1], context);
}

function withoutDriver(node: ConfigNode): ConfigNode {
  if (node.value.kind !== 'map') return { ...node, value: { kind: 'nothing' } };
  const entries = new Map([...node.value.entries].filter(([key]) => Object.hasOwn(options, key)));
  return { ...node, value: { kind: 'map', entries } };
}

const readOptions = section(options);

/** `storage`: one driver, beside keys for all of them. */
export function storageSection(node: ConfigNode, context: ReadContext) {
  return { driver: driverOf(node, context), ...readOptions(withoutDriver(node), context) };
}

/** `redis`, which only a shared descriptor cache needs. */
export const redisSection = refused(needlessCache);
