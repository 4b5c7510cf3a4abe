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

export function writeMap(
  text: DescribeText,
  title: string,
  map: Readonly<Record<string, string>> = {},
  divider = '=',
): void {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  text.list(
    title,
    entries.map(([key, value]) => `${key}${divider}${value}`),
  );
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
