import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal as Screen } from '@xterm/headless';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Gives a program a terminal of its own; a line `COLUMNS ROWS` on stdin makes it another size, as a user's mouse does. */
const relay = `
import fcntl, os, pty, select, struct, sys, termios
def resize(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
ready, go = os.pipe()
child, terminal = pty.fork()
if child == 0:
    os.read(ready, 1)
    os.execvp(sys.argv[3], sys.argv[3:])
resize(int(sys.argv[1]), int(sys.argv[2]))
os.write(go, b'.')
watched = [terminal, 0]
while terminal in watched:
    for one in select.select(watched, [], [])[0]:
        try:
            said = os.read(one, 65536)
        except OSError:
            said = b''
        if said == b'':
            watched.remove(one)
        elif one == terminal:
            os.write(1, said)
        else:
            for line in said.decode().split('\\n')[:-1]:
                resize(*map(int, line.split()))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
`;

/** A program in a terminal that draws what it writes, as xterm.js does; lines that get narrower are broken, as there. */
export class Terminal {
  readonly #screen: Screen;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exit: Promise<unknown[]>;
  #written = '';

  constructor(words: readonly string[], options: TerminalSize & { cwd: string; env: NodeJS.ProcessEnv }) {
    const { columns, rows, cwd, env } = options;
    this.#screen = new Screen({ cols: columns, rows, scrollback: 1000, allowProposedApi: true });
    this.#screen.loadAddon(new Unicode11Addon());
    this.#screen.unicode.activeVersion = '11';
    const args = ['-c', relay, String(columns), String(rows), ...words];
    this.#child = spawn('/usr/bin/python3', args, { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exit = once(this.#child, 'close');
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#written += chunk.toString('latin1');
      this.#screen.write(chunk);
    });
  }

  /** All bytes that were written to it, one a character. */
  get written(): string {
    return this.#written;
  }

  /** What stands on the screen and among the past lines above it, without blanks at the ends. */
  lines(): string[] {
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: active.length }, (_, row) =>
      active.getLine(row)?.translateToString(true),
    );
    return lines.join('\n').trimEnd().split('\n');
  }

  /** Waits until the lines are so. */
  async until(isSo: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
    for (let lines = this.lines(); ; lines = this.lines()) {
      if (isSo(lines)) return lines;
      await new Promise<void>(resolve => {
        const parsed = this.#screen.onWriteParsed(() => {
          parsed.dispose();
          resolve();
        });
      });
    }
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#screen.resize(columns, rows);
    this.#child.stdin.write(`${columns} ${rows}\n`);
  }

  /** Waits for the program's end. @returns its exit code */
  async end(): Promise<number> {
    const [code] = await this.#exit;
    await new Promise<void>(resolve => this.#screen.write('', resolve));
    return code as number;
  }

  kill(): void {
    this.#child.kill('SIGKILL'); // the program loses its terminal, and gets SIGHUP
  }
}
