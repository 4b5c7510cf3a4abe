/*
 * Elastic tab stops: text/tabwriter of Go with minwidth 0 and padding 2, as kubectl describe aligns its text. A column is
 * a run of lines that have a cell, ended by a tab, at that place; it is as wide as its widest cell.
 */

const PADDING = 2;

/** Widths of the cells of each line, but for the last cell, which no tab ends. */
function measure(lines: readonly (readonly string[])[]): number[][] {
  const widths: number[][] = lines.map(() => []);
  const place = (start: number, end: number, column: number): void => {
    for (let first = start; first < end; first++) {
      if ((lines[first]?.length ?? 0) - 1 <= column) continue;
      let last = first;
      let width = 0;
      while (last < end && (lines[last]?.length ?? 0) - 1 > column) {
        width = Math.max(width, [...(lines[last]?.[column] ?? '')].length);
        last++;
      }
      // A column of empty cells takes no room.
      const padded = width === 0 ? 0 : width + PADDING;
      for (let index = first; index < last; index++) widths[index]?.push(padded);
      place(first, last, column + 1);
      first = last - 1;
    }
  };
  place(0, lines.length, 0);
  return widths;
}

/** Lines whose cells end with tabs, aligned. */
export function alignTabs(text: string): string {
  const lines = text.split('\n').map(line => line.split('\t'));
  const widths = measure(lines);
  return lines
    .map((cells, line) => cells.map((cell, column) => cell.padEnd(widths[line]?.[column] ?? 0)).join(''))
    .join('\n');
}
