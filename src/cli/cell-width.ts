/** Wide in a terminal: CJK, Hangul, full-width forms and emoji; Unicode TR11. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const none = /[\p{Mn}\p{Me}\p{Cf}]/u;

function cellsOf(character: string): number {
  if (character <= '~') return 1;
  if (none.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** How many columns of a terminal a text without control characters takes. */
export function cellWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += cellsOf(character);
  return cells;
}

/** Its beginning, in at most so many columns; `…` at its end where it is cut. */
export function cutToCells(text: string, columns: number): string {
  if (text.length <= columns && /^[ -~]*$/.test(text)) return text;
  if (cellWidth(text) <= columns) return text;
  let kept = '';
  let room = columns - 1;
  for (const character of text) {
    room -= cellsOf(character);
    if (room < 0) break;
    kept += character;
  }
  return columns < 1 ? '' : `${kept}…`;
}
