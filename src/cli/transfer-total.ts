import type { OnTransfer } from '../registry-client/progress.ts';

/** Sums up what goes on with each blob. */
export function transferTotal(
  onProgress: (progress: { readonly done: number; readonly total: number }) => void,
): OnTransfer {
  const blobs = new Map<string, { readonly done: number; readonly total: number }>();
  return ({ digest, done, total }) => {
    blobs.set(digest, { done, total: total ?? done });
    const all = [...blobs.values()];
    onProgress({
      done: all.reduce((sum, blob) => sum + blob.done, 0),
      total: all.reduce((sum, blob) => sum + blob.total, 0),
    });
  };
}
