import { createReadStream } from 'node:fs';
import { splitDevice } from '../../layers/fs-ops.ts';
import { tarEntry } from '../../tar/entry.ts';
import type { TarItem } from '../../tar/writer.ts';
import { type ByteString, byteString, fsPath } from '../../util/byte-string.ts';
import { fileTimeOf } from '../execute/copy/file-time.ts';
import { listSource } from '../execute/copy/list-source.ts';
import type { SourceEntry } from '../execute/copy/source-entry.ts';

export interface RootfsArchiveOptions {
  /** Seconds since 1970, the time of all files then, as BuildKit has it. */
  readonly epoch: number | undefined;
  readonly signal: AbortSignal;
  /** Below which they lie in the archive; the top where it is left out. */
  readonly folder?: string | undefined;
}

/** `type=tar`: the files of an image for a plain archive, hard links kept, sockets left out. */
export function* rootfsItems(root: string, options: RootfsArchiveOptions): Generator<TarItem, void> {
  const [listing] = listSource({ root, owners: 'kept' }, { path: '/' }) ?? [];
  const { folder, epoch } = options;
  if (folder !== undefined && listing !== undefined) {
    const seconds = epoch ?? fileTimeOf(listing.top.mtime).seconds;
    const mtime = { seconds, nanoseconds: 0 };
    yield { entry: tarEntry({ name: byteString(folder), type: 'directory', mode: 0o755, mtime }) };
  }
  const first = new Map<string, ByteString>();
  for (const entry of listing?.below() ?? []) {
    if (entry.type === 'socket') continue;
    const path = folder === undefined ? entry.path : (`${byteString(folder)}/${entry.path}` as ByteString);
    const link = entry.inode === undefined ? undefined : first.get(entry.inode);
    if (entry.inode !== undefined && link === undefined) first.set(entry.inode, path);
    yield itemOf({ ...entry, path }, link, options);
  }
}

const types = {
  file: 'file',
  folder: 'directory',
  symlink: 'symlink',
  fifo: 'fifo',
  socket: 'file',
} as const;

function itemOf(entry: SourceEntry, link: ByteString | undefined, options: RootfsArchiveOptions): TarItem {
  const isDevice = entry.type === 'character-device' || entry.type === 'block-device';
  const type = isDevice ? (entry.type as 'character-device') : types[entry.type as keyof typeof types];
  const device = isDevice ? splitDevice(entry.device ?? 0) : { major: 0, minor: 0 };
  const seconds = options.epoch ?? fileTimeOf(entry.mtime).seconds;
  const capability =
    entry.capability === undefined ? [] : [['security.capability', entry.capability] as const];
  const fields = {
    name: entry.path,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: { seconds, nanoseconds: 0 },
    devmajor: device.major,
    devminor: device.minor,
    xattrs: new Map(capability),
  };
  if (link !== undefined) return { entry: tarEntry({ ...fields, type: 'link', linkname: link }) };
  const linkname = entry.link ?? byteString('');
  const header = tarEntry({ ...fields, type, linkname, size: entry.size });
  if (entry.type !== 'file' || entry.size === 0) return { entry: header };
  return {
    entry: header,
    body: createReadStream(fsPath(entry.location), { highWaterMark: 1 << 20, signal: options.signal }),
  };
}
