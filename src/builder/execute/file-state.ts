import { extendChainID } from '../../image/chain-id.ts';
import type { Digest } from '../../image/digest.ts';
import type { CachedLayer } from '../cache/build-cache.ts';

/** A layer of a file state. Layers of a base image have no time of their own: its history tells it. */
export type StateLayer = Omit<CachedLayer, 'created'> & { readonly created?: string };

/** The files of an image in the making: layers on layers. It says what they are; a snapshot may not exist yet. */
export interface FileState {
  readonly layers: readonly StateLayer[];
  /** Undefined for no layers (`FROM scratch`). */
  readonly chainID: Digest | undefined;
}

export const emptyState: FileState = { layers: [], chainID: undefined };

export function extendState(state: FileState, layer: StateLayer): FileState {
  return { layers: [...state.layers, layer], chainID: extendChainID(state.chainID, layer.diffID) };
}
