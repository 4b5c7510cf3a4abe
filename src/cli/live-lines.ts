import { cellWidth, cutToCells } from './cell-width.ts';

const escape = '\u001b';
/**
 * Between these a terminal that knows the first shows nothing half-drawn, and breaks no line, should it find a character
 * wider than it is taken for.
 */
const [begin, end] = [`${escape}[?2026h${escape}[?7l`, `${escape}[?7h${escape}[?2026l`];
const [hideCursor, showCursor] = [`${escape}[?25l`, `${escape}[?25h`];
const eraseLine = `${escape}[K`;
const eraseBelow = `${escape}[0J`;

/** Draws a block of lines on a terminal again and again in place; steady at any rate of updates. */
export class LiveLines {
  readonly #stream: NodeJS.WriteStream;
  readonly #interval: NodeJS.Timeout;
  readonly #lines: (rows: number) => readonly string[];
  readonly #redraw = () => this.draw();
  readonly #showCursor = () => this.#stream.write(showCursor);
  #drawn: readonly string[] = [];
  #columns: number;
  #paused = false;

  /** @param lines gives the block as it is now, in at most so many rows; asked ten times a second */
  constructor(stream: NodeJS.WriteStream, lines: (rows: number) => readonly string[]) {
    this.#stream = stream;
    this.#lines = lines;
    this.#columns = stream.columns || 80;
    this.#interval = setInterval(this.#redraw, 100);
    this.#interval.unref();
    stream.on('resize', this.#redraw);
    stream.write(hideCursor);
    process.once('exit', this.#showCursor);
  }

  /** To the first cell of the block. A terminal that got narrower has broken its lines into more rows. */
  #toTop(columns: number): string {
    const rows = this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(cellWidth(bare(line)) / columns)),
      0,
    );
    return rows === 0 ? '' : `${escape}[${rows}A\r`;
  }

  draw(): void {
    if (!this.#paused) this.#draw(Math.max(1, (this.#stream.rows || 24) - 1));
  }

  /** Only what differs from what stands there is written. */
  #draw(rows: number): void {
    const columns = this.#stream.columns || 80;
    const lines = this.#lines(rows)
      .slice(0, rows)
      .map(line => clip(line, columns));
    const resized = columns !== this.#columns;
    const before = this.#drawn;
    const isSame = lines.length === before.length && lines.every((line, index) => line === before[index]);
    if (!resized && isSame) return;
    const text = lines.map((line, index) =>
      !resized && line === before[index] ? '\n' : `${line}${eraseLine}\n`,
    );
    this.#stream.write(`${begin}${this.#toTop(columns)}${text.join('')}${eraseBelow}${end}`);
    this.#drawn = lines;
    this.#columns = columns;
  }

  /**
   * These lines in place of the block. Each is erased behind its text and what is left below at the end: a terminal whose
   * whole screen is erased at once may keep what stood there among its past lines, as tmux does.
   */
  #replace(lines: readonly string[]): string {
    const text = lines.map(line => `${line}${eraseLine}\n`).join('');
    const top = this.#toTop(this.#stream.columns || 80);
    this.#drawn = [];
    return `${top}${text}${eraseLine}${eraseBelow}`;
  }

  /** Writes lines that stay, above the block. */
  above(lines: readonly string[]): void {
    this.#stream.write(begin + this.#replace(lines));
    this.draw();
    this.#stream.write(end);
  }

  /** Leaves the terminal to somebody else until `resume`. */
  pause(): void {
    this.#stream.write(this.#replace([]) + showCursor);
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#stream.write(hideCursor);
    this.draw();
  }

  /** Draws the block a last time, in as many rows as it takes, and leaves it. */
  stop(): void {
    clearInterval(this.#interval);
    this.#stream.off('resize', this.#redraw);
    process.off('exit', this.#showCursor);
    const columns = this.#stream.columns || 80;
    const lines = this.#lines(Number.POSITIVE_INFINITY).map(line => clip(line, columns));
    this.#stream.write(begin + this.#replace(lines) + showCursor + end);
  }
}

const colour = `${escape}\\[[0-9;]*m`;
const colours = new RegExp(colour, 'g');
const cuts = new RegExp(`(${colour})`);

function bare(line: string): string {
  return line.replaceAll(colours, '');
}

/** Cuts to the width of the terminal; colours take no room. */
function clip(line: string, columns: number): string {
  if (cellWidth(bare(line)) < columns) return line;
  let room = columns - 1;
  let text = '';
  for (const part of line.split(cuts)) {
    if (part.startsWith(escape)) {
      text += part;
    } else if (room > 0) {
      const kept = cutToCells(part, room);
      room -= cellWidth(kept);
      text += kept;
    }
  }
  return text;
}
