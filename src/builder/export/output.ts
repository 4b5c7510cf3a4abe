import type { LayerCompression } from '../../image/media-types.ts';
import type { Platform } from '../../image/platform.ts';

/** Where an annotation goes: into a document, or beside it where the index lists it. */
export type AnnotationPlace = 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';

/** `--annotation [PLACE[PLATFORM]:]KEY=VALUE` */
export interface Annotation {
  readonly place: AnnotationPlace;
  /** Of an image of several platforms, the one it is for; all where it is left out. */
  readonly platform?: Platform;
  readonly key: string;
  readonly value: string;
}

/** In what form an image goes out; what is left out stays as it is in the store. */
export interface ImageForm {
  /** Of layers that are not compressed yet. */
  readonly compression?: LayerCompression;
  /** gzip 1 … 9, zstd 1 … 19 */
  readonly level?: number;
  /** Of all layers, those of the base image too. */
  readonly forceCompression?: boolean;
  /** `oci-mediatypes=false` */
  readonly dockerTypes?: boolean;
  readonly annotations?: readonly Annotation[];
}

/** `type=image` and `type=registry`: the local store, and a registry where it is pushed. */
export interface ImageOutput {
  readonly type: 'image';
  /** Names, as the user writes them; those of `-t` where it is left out. */
  readonly names?: readonly string[];
  readonly push: boolean;
  /** Pushed under its digest alone. */
  readonly byDigest?: boolean;
  /** Kept under its names in the local store; default true. */
  readonly store?: boolean;
  /** `name@digest` is a name of it too. */
  readonly canonical?: boolean;
  readonly plainHttp?: boolean;
  readonly form?: ImageForm;
}

/** `type=oci` and `type=docker`: an archive, or the folder that would be in it. */
export interface ArchiveOutput {
  readonly type: 'oci' | 'docker';
  /** A file or a folder, relative to the present one; `-` for stdout. */
  readonly dest: string;
  /** `tar=false` */
  readonly folder?: boolean;
  readonly names?: readonly string[];
  readonly form?: ImageForm;
}

/** `type=local` and `type=tar`: the files of the image. */
export interface FilesOutput {
  readonly type: 'local' | 'tar';
  /** `-` for stdout, of `tar` only. */
  readonly dest: string;
  /** Whether each of several platforms has a folder; default true. */
  readonly platformSplit?: boolean;
}

/** `--output type=…` */
export type BuildOutput = ImageOutput | ArchiveOutput | FilesOutput;

export function isFiles(output: BuildOutput): output is FilesOutput {
  return output.type === 'local' || output.type === 'tar';
}

export function writesToStdout(output: BuildOutput): boolean {
  return output.type !== 'image' && output.dest === '-';
}
