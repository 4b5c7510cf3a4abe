/** One thing that COPY or ADD copies, as it was found. */
export interface SourceEntry {
  readonly type: 'file' | 'folder' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'socket';
  /** Relative to the source that was named; empty for that source itself. */
  readonly path: string;
  /** Where it is on disk; empty for inline content. */
  readonly location: string;
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
  readonly link?: string;
  /** st_rdev of a device. */
  readonly device?: number;
  /** What the names of one file share, where there are several. */
  readonly inode?: string;
  /** The content itself, of a here-document. */
  readonly inline?: string;
  /** security.capability, the one extended attribute that a layer carries from a stage. */
  readonly capability?: Uint8Array;
}

/** One source of a COPY or ADD after wildcards and top-level links: a file, or a folder with what is in it. */
export interface SourceListing {
  /** Last part of the path as it was written, which names a file in its target folder. */
  readonly name: string;
  /** Folders before what they hold; the first entry is the source itself. */
  readonly entries: readonly SourceEntry[];
}
