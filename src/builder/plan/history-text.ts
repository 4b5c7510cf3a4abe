import type { Healthcheck } from '../../image/config.ts';

const escapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['"', '\\"'],
  ['\\', '\\\\'],
]);

/** A string as Go's `%q` prints it, which BuildKit's history texts are made with. */
export function goQuote(text: string): string {
  let quoted = '';
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const known = escapes.get(character);
    if (known !== undefined) quoted += known;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (/[\p{C}\p{Z}]/u.test(character) && character !== ' ') quoted += unicodeEscape(code);
    else quoted += character;
  }
  return `"${quoted}"`;
}

function unicodeEscape(code: number): string {
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A list of strings as Go's `%q` prints it: `["a" "b"]`. */
export function goQuoteList(words: readonly string[]): string {
  return `[${words.map(goQuote).join(' ')}]`;
}

/** Nanoseconds as Go's `Duration.String` prints them, e.g. `1m30s`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const units: [string, number][] = [
    ['ns', 1],
    ['µs', 1e3],
    ['ms', 1e6],
  ];
  if (nanoseconds < 1e9) {
    const [unit, size] = units.findLast(([, size]) => nanoseconds >= size) ?? ['ns', 1];
    return `${nanoseconds / size}${unit}`;
  }
  const hours = Math.floor(nanoseconds / 3600e9);
  const minutes = Math.floor(nanoseconds / 60e9) % 60;
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** As Go prints Docker's struct with `%q`, the number of retries as a character. */
export function healthcheckText(check: Healthcheck): string {
  const durations = [check.Interval, check.Timeout, check.StartPeriod, check.StartInterval];
  const texts = durations.map(duration => goQuote(goDuration(duration ?? 0)));
  const retries = check.Retries ?? 0;
  const character =
    retries < 0x20 ? `\\x${retries.toString(16).padStart(2, '0')}` : String.fromCodePoint(retries);
  return `&{${goQuoteList(check.Test ?? [])} ${texts.join(' ')} '${character}'}`;
}
