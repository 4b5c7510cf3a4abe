import { type Digest, type DigestAlgorithm, Digester } from '../image/digest.ts';
import { forEachPlainChunk } from './compression-file.ts';

export interface DigestJob {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
}

/** Hashes a file, in the calling thread. */
export async function runDigestJob({ path, algorithm }: DigestJob): Promise<Digest> {
  const digester = new Digester(algorithm);
  await forEachPlainChunk({ path, compression: 'uncompressed' }, chunk => digester.update(chunk));
  return digester.digest();
}
