import { alignTabs } from './tab-writer.ts';

/** Lines of kubectl's describe: indented by two blanks for each level, cells divided by tabs. */
export class DescribeText {
  readonly #lines: string[] = [];

  line(level: number, text: string): void {
    this.#lines.push(`${'  '.repeat(level)}${text}`);
  }

  /** The first beside the title, the others below it. */
  list(title: string, values: readonly string[]): void {
    if (values.length === 0) this.line(0, `${title}:\t<none>`);
    for (const [index, value] of values.entries())
      this.line(0, index === 0 ? `${title}:\t${value}` : `\t${value}`);
  }

  toString(): string {
    return alignTabs(`${this.#lines.join('\n')}\n`);
  }
}

function sortedEntries(map: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function writeMap(
  text: DescribeText,
  title: string,
  map: Readonly<Record<string, string>> = {},
): void {
  text.list(
    title,
    sortedEntries(map).map(([key, value]) => `${key}=${value}`),
  );
}

/** Characters of an annotation that fit on a line. */
const ANNOTATION_WIDTH = 140;

function shorten(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, width)}...` : line;
}

/** Long ones, and those of several lines, below their keys. */
export function writeAnnotations(text: DescribeText, annotations: Readonly<Record<string, string>>): void {
  const lines = sortedEntries(annotations).flatMap(([key, given]) => {
    const value = given.replace(/\n$/, '');
    if (key.length + value.length + 2 <= ANNOTATION_WIDTH && !value.includes('\n'))
      return [`${key}: ${value}`];
    return [`${key}:`, ...value.split('\n').map(line => `  ${shorten(line, ANNOTATION_WIDTH - 2)}`)];
  });
  text.list('Annotations', lines);
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 1123 with a numeric zone, in local time: `Tue, 24 Nov 2026 15:55:55 +0000`. */
export function formatDate(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}${two(Math.abs(offset) % 60)}`;
  const day = `${days[date.getDay()]}, ${two(date.getDate())} ${months[date.getMonth()]} ${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}
