import { type Digest, digestOf } from './digest.ts';

/** The chainID of `diffID` on `parent`; image-spec 1.1 config.md section "Layer ChainID". */
export function extendChainID(parent: Digest | undefined, diffID: Digest): Digest {
  return parent === undefined ? diffID : digestOf(`${parent} ${diffID}`);
}

/** The chainID of a stack of layers, the lowest first; undefined for no layers. */
export function chainIDOf(diffIDs: readonly Digest[]): Digest | undefined {
  let chainID: Digest | undefined;
  for (const diffID of diffIDs) chainID = extendChainID(chainID, diffID);
  return chainID;
}
