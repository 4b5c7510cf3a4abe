import { throwIfAborted } from './abort.ts';

/**
 * Runs `task` over `items`, at most `limit` at once; results keep the order of the items. The first failure stops new
 * tasks, is waited out together with the running ones, and is thrown.
 */
export async function mapPool<Item, Result>(
  items: readonly Item[],
  task: (item: Item, index: number) => Promise<Result>,
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        throwIfAborted(options.signal);
        results[index] = await task(items[index] as Item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
