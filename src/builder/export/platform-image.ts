import type { LayoutStore, Lease } from '../../content/store.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { ManifestDocument, ManifestOfImage } from '../../image/manifest.ts';
import type { Platform } from '../../image/platform.ts';
import type { FileState } from '../execute/file-state.ts';
import type { FinishedImage } from './finish-image.ts';

/** What a build came to for one platform. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly image: FinishedImage;
  readonly state: FileState;
}

/** An image in the store, in the form in which it goes out: one manifest, or an index over several. */
export interface FormedImage {
  readonly descriptor: Descriptor;
  readonly document: ManifestDocument;
  /** In the order of `--platform`. */
  readonly parts: readonly PlatformImage[];
}

/** What is said of one platform's image: a manifest that refers to it. */
export interface Attestation {
  readonly subject: Descriptor;
  readonly manifest: ManifestOfImage;
}

export interface StoreWork {
  readonly store: LayoutStore;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

export function descriptorOf({ mediaType, digest, bytes }: ManifestDocument): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

/** Puts a document into the store; where it is already, nothing is written. */
export async function storeDocument(
  { store, lease, signal }: StoreWork,
  { digest, bytes }: Pick<ManifestDocument, 'digest' | 'bytes'>,
): Promise<void> {
  await store.ingest([bytes], { digest, size: bytes.length, lease, signal });
}
