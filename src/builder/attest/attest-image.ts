import { digestOf } from '../../image/digest.ts';
import { attestationManifest, emptyBlob, inTotoMediaType } from '../../image/referrers.ts';
import {
  type Attestation,
  descriptorOf,
  type PlatformImage,
  type StoreWork,
  storeDocument,
} from '../export/platform-image.ts';
import { type Predicate, statementOf } from './statement.ts';

/** Puts statements about an image into the store, in the form of referrers. */
export async function attestImage(
  part: PlatformImage,
  predicates: readonly Predicate[],
  work: StoreWork & { readonly names: readonly string[] },
): Promise<readonly Attestation[]> {
  const subject = descriptorOf(part.image.manifest);
  const made: Attestation[] = [];
  for (const predicate of predicates) {
    const { digest } = subject;
    const statement = statementOf(predicate, { digest, names: work.names, platform: part.platform });
    const bytes = Buffer.from(JSON.stringify(statement));
    const descriptor = { mediaType: inTotoMediaType, digest: digestOf(bytes), size: bytes.length };
    const manifest = attestationManifest(subject, { descriptor, predicateType: predicate.type });
    await storeDocument(work, { digest: emptyBlob.descriptor.digest, bytes: emptyBlob.bytes });
    await storeDocument(work, { digest: descriptor.digest, bytes });
    await storeDocument(work, manifest);
    made.push({ subject, manifest });
  }
  return made;
}
