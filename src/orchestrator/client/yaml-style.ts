/* How go-yaml writes texts, and in which order names: kubectl prints with it. */

export type TextStyle = 'plain' | 'single' | 'double' | 'literal';

/** Signs that mean something at the beginning of a text. */
const leading = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:\s|$))/;
/** Signs that mean something inside. */
const inside = /:(?:\s|$)|\s#/;
/** What is shown only by an escape. */
const special = /[^\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
const lineBreak = /[\n\u0085\u2028\u2029]/;

/** @param isPlainText Whether the text, written without quotation marks, is read as the text that it is. */
export function textStyle(text: string, isPlainText: (text: string) => boolean): TextStyle {
  const needsEscapes = special.test(text) || / [\n\u0085\u2028\u2029]/.test(text);
  if (text.includes('\n')) return needsEscapes || text.endsWith(' ') ? 'double' : 'literal';
  if (!isPlainText(text) || needsEscapes) return 'double';
  const isBare = !leading.test(text) && !inside.test(text) && !lineBreak.test(text) && text.trim() === text;
  return isBare ? 'plain' : 'single';
}

const isDigit = (sign: string | undefined) => sign !== undefined && /\d/.test(sign);
const isLetter = (sign: string) => /\p{L}/u.test(sign);

function numberAt(
  signs: readonly string[],
  start: number,
  before: number,
): readonly [value: number, end: number] {
  let value = before;
  let end = start;
  for (; isDigit(signs[end]); end++) value = value * 10 + Number(signs[end]);
  return [value, end];
}

/** Numbers in names count as numbers: `a2` comes before `a10`. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((sign, index) => sign !== right[index]);
  const [one, other] = [left[at], right[at]];
  if (one === undefined || other === undefined) return left.length - right.length;
  const afterDigit = at > 0 && isDigit(left[at - 1]);
  if (isLetter(one) || isLetter(other)) {
    if (isLetter(one) && isLetter(other)) return one < other ? -1 : 1;
    return isLetter(one) === afterDigit ? -1 : 1;
  }
  let before = 0;
  if (one === '0' || other === '0')
    for (let index = at - 1; isDigit(left[index]); index--) if (left[index] !== '0') before = 1;
  const [leftNumber, leftEnd] = numberAt(left, at, before);
  const [rightNumber, rightEnd] = numberAt(right, at, before);
  return leftNumber - rightNumber || leftEnd - rightEnd || (one < other ? -1 : 1);
}
