/**
 * How many elements at the beginning of a list do as `holds` says, in steps of the logarithm of its length: the list must
 * be in an order in which those come first.
 */
export function countWhere<T>(list: readonly T[], holds: (element: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
