/** Waits for all of several writes, then throws what the first failed one threw: none goes on behind the caller's back. */
export async function allOf(writes: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
