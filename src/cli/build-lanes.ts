/** A number of a lane for each step, so that no two of a lane overlap; steps come in the order in which they began. */
export function lanesOf(
  steps: readonly { readonly start?: number; readonly end?: number }[],
  duration: number,
): number[] {
  const ends: number[] = [];
  return steps.map(({ start = 0, end = duration }) => {
    const free = ends.findIndex(until => until <= start);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = end;
    return lane;
  });
}
