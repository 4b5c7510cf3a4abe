import type { ByteString } from '../../../util/byte-string.ts';

/** One thing that COPY or ADD copies, as it was found. */
export interface SourceEntry {
  readonly type: 'file' | 'folder' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'socket';
  /** Relative to the source that was named; empty for that source itself. */
  readonly path: ByteString;
  /** Where it is on disk; empty for inline content. */
  readonly location: ByteString;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Milliseconds since 1970, with fractions. */
  readonly mtime: number;
  /** Of the inode, likewise. */
  readonly ctime: number;
  readonly ino: number;
  /** Target of a symlink. */
  readonly link?: ByteString;
  /** st_rdev of a device. */
  readonly device?: number;
  /** What the names of one file share, where there are several. */
  readonly inode?: string;
  /** The content itself, of a here-document. */
  readonly inline?: string;
  /** security.capability, the one extended attribute that a layer carries from a stage. */
  readonly capability?: Uint8Array;
  /** A folder that is there for what is in it only: where the target has it, only its mode is set. */
  readonly implied?: true;
}

/**
 * One source of a COPY or ADD after wildcards and top-level links: a file, or a folder with what is in it. The contents
 * are walked when they are asked for, each time anew, so that a tree of any size takes no memory.
 */
export interface SourceListing {
  /** Last part of the path as it was written, which names a file in its target folder. */
  readonly name: ByteString;
  readonly top: SourceEntry;
  /** What is in the top folder, depth first, folders before what they hold, names in byte order. */
  below(): Iterable<SourceEntry>;
}
