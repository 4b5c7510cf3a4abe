/** Draws a block of lines on a terminal again and again in place; steady at any rate of updates. */
export class LiveLines {
  readonly #stream: NodeJS.WriteStream;
  readonly #interval: NodeJS.Timeout;
  readonly #lines: () => readonly string[];
  #drawn = 0;

  /** @param lines gives the block as it is now; asked ten times a second */
  constructor(stream: NodeJS.WriteStream, lines: () => readonly string[]) {
    this.#stream = stream;
    this.#lines = lines;
    this.#interval = setInterval(() => this.draw(), 100);
    this.#interval.unref();
  }

  #erase(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[0J`;
  }

  draw(): void {
    const columns = this.#stream.columns || 80;
    const rows = (this.#stream.rows || 24) - 1;
    const lines = this.#lines().slice(-rows);
    const text = lines.map(line => `${clip(line, columns)}\n`).join('');
    this.#stream.write(this.#erase() + text);
    this.#drawn = lines.length;
  }

  /** Writes lines that stay, above the block. */
  above(lines: readonly string[]): void {
    this.#stream.write(this.#erase() + lines.map(line => `${line}\n`).join(''));
    this.#drawn = 0;
    this.draw();
  }

  /** Draws the block a last time and leaves it. */
  stop(): void {
    clearInterval(this.#interval);
    this.draw();
  }
}

const escape = '\u001b';

/** Cuts to the width of the terminal; control sequences take no room, so lines with colours count what is seen. */
function clip(line: string, columns: number): string {
  let seen = 0;
  let text = '';
  for (const [index, part] of line.split(escape).entries()) {
    const end = index === 0 ? 0 : part.indexOf('m') + 1;
    const visible = part.slice(end, end + Math.max(0, columns - 1 - seen));
    text += (index === 0 ? '' : escape + part.slice(0, end)) + visible;
    seen += visible.length;
  }
  return text;
}
