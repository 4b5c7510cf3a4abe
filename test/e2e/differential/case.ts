import type { TarItem } from '../../../src/tar/writer.ts';

/** A file of a build context; its time is 2020-01-02 unless it says otherwise. */
export type CaseFile = string | Uint8Array | FileDetails;

interface FileDetails {
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  readonly owner?: readonly [uid: number, gid: number];
  /** A symbolic link to this. */
  readonly link?: string;
  /** Another name of this file of the context, which stands before it. */
  readonly hardlink?: string;
  readonly kind?: 'folder' | 'fifo' | 'socket';
  /** A tar archive of these, plain or compressed by the program. */
  readonly archive?: readonly TarItem[];
  readonly compress?: 'gzip' | 'bzip2' | 'xz' | 'zstd';
}

/** One Dockerfile with its context. */
export interface BuildCase {
  /** Unique; begins with the numbers of the traps that it is about, e.g. `trap 1: …`. */
  readonly name: string;
  readonly files?: Readonly<Record<string, CaseFile>>;
  /** PARENT stands for the image that `parent` makes. */
  readonly dockerfile: string;
  /** The Dockerfile of an image that this one is built upon. */
  readonly parent?: string;
  /** Words of the command line, which both builders understand; CONTEXT stands for the context's folder. */
  readonly args?: readonly string[];
}

/** A case whose result is BuildKit's. */
export interface ComparedCase extends BuildCase {
  /** Both refuse it. */
  readonly fails?: true;
}
