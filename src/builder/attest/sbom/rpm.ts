import { berkeleyValues } from './berkeley-db.ts';
import type { FoundPackage } from './found-package.ts';
import type { ImageFiles, OpenFile } from './image-files.ts';
import { packageOfHeader } from './rpm-header.ts';
import { SqliteError, SqliteFile } from './sqlite.ts';

const folders = ['var/lib/rpm', 'usr/lib/sysimage/rpm', 'usr/share/rpm'];

export interface RpmPackages {
  readonly packages: readonly FoundPackage[];
  /** Databases that could not be read, and why. */
  readonly notes: readonly string[];
}

/** Packages that rpm has installed, of a database in SQLite (Fedora, RHEL 9), in rpm's own form (SUSE), or in a Berkeley DB. */
export function rpmPackages(files: ImageFiles): RpmPackages {
  const packages: FoundPackage[] = [];
  const notes: string[] = [];
  const seen = new Set<string>();
  for (const folder of folders) {
    for (const [name, headersOf] of readers) {
      const path = `${folder}/${name}`;
      const file = files.open(path);
      if (file === undefined) continue;
      try {
        for (const header of headersOf(file)) {
          const found = packageOfHeader(header, path);
          // One folder may be a link to another.
          const key = `${found?.name} ${found?.version} ${found?.architecture}`;
          if (found === undefined || seen.has(key)) continue;
          seen.add(key);
          packages.push(found);
        }
      } catch (error) {
        if (!(error instanceof SqliteError) && !(error instanceof RangeError)) throw error;
        notes.push(`${path} cannot be read: ${error.message}`);
      } finally {
        file.close();
      }
    }
    const log = files.open(`${folder}/rpmdb.sqlite-wal`);
    if (log !== undefined && log.size > 0)
      notes.push(
        `${folder}/rpmdb.sqlite-wal has changes that are not read: close the database, or run rpm -qa, in a last RUN`,
      );
    log?.close();
  }
  return { packages, notes };
}

const readers: readonly (readonly [name: string, headers: (file: OpenFile) => Iterable<Buffer>])[] = [
  ['rpmdb.sqlite', sqliteHeaders],
  ['Packages.db', ndbHeaders],
  ['Packages', berkeleyHeaders],
];

/** Beside the headers rpm keeps the number of the next one. */
function* berkeleyHeaders(file: OpenFile): Generator<Buffer, void> {
  for (const value of berkeleyValues(file)) if (value.length > 8) yield value;
}

function* sqliteHeaders(file: OpenFile): Generator<Buffer, void> {
  for (const row of new SqliteFile(file).rows('Packages')) {
    const blob = row[1];
    if (Buffer.isBuffer(blob)) yield blob;
  }
}

const PAGE = 4096;
const SLOT = 16;
const HEADER = 32;
const BLOCK = 16;

/** rpm's lib/backend/ndb/rpmpkg.c: a header, slots that say where blobs lie, and the blobs; all little-endian. */
function* ndbHeaders(file: OpenFile): Generator<Buffer, void> {
  const header = file.bytes(0, HEADER);
  if (header.toString('latin1', 0, 4) !== 'RpmP') throw new RangeError('it is no package database');
  const slotPages = header.readUInt32LE(12);
  const slots = file.bytes(0, slotPages * PAGE);
  for (let at = HEADER; at + SLOT <= slots.length; at += SLOT) {
    if (slots.toString('latin1', at, at + 4) !== 'Slot') throw new RangeError('a slot is broken');
    const [package_, block] = [slots.readUInt32LE(at + 4), slots.readUInt32LE(at + 8)];
    if (package_ === 0 || block === 0) continue;
    const start = file.bytes(block * BLOCK, 16);
    if (start.toString('latin1', 0, 4) !== 'BlbS') throw new RangeError('a blob is broken');
    yield file.bytes(block * BLOCK + 16, start.readUInt32LE(12));
  }
}
