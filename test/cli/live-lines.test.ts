import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { LiveLines } from '../../src/cli/live-lines.ts';

/** A terminal that remembers what was written. */
class FakeTerminal extends EventEmitter {
  columns = 20;
  rows = 5;
  written = '';

  write(text: string): boolean {
    this.written += text;
    return true;
  }

  /** What was written since the last time, control sequences in brackets. */
  take(): string {
    const [first = '', ...parts] = this.written.split('\u001b[');
    const text = [first, ...parts.map(part => part.replace(/^[?0-9;]*[A-Za-z]/, '<$&>'))].join('');
    this.written = '';
    return text.replaceAll('\r', '<CR>');
  }
}

describe('LiveLines', () => {
  let terminal: FakeTerminal;
  let lines: string[];
  let live: LiveLines;
  beforeEach(() => {
    terminal = new FakeTerminal();
    lines = ['one', 'two'];
    live = new LiveLines(terminal as unknown as NodeJS.WriteStream, rows => lines.slice(0, rows));
    terminal.take();
  });
  afterEach(() => live.stop());

  it('writes only what differs, at once, and nothing where nothing does', () => {
    live.draw();
    expect(terminal.take()).to.equal('<?2026h><?7l>one<K>\ntwo<K>\n<0J><?7h><?2026l>');
    live.draw();
    expect(terminal.take()).to.equal('');
    lines = ['one', '2', 'three'];
    live.draw();
    expect(terminal.take()).to.equal('<?2026h><?7l><2A><CR>\n2<K>\nthree<K>\n<0J><?7h><?2026l>');
  });

  it('takes no more rows than there are, and cuts what is too wide, colours apart', () => {
    lines = ['\u001b[1m0123456789012345678901234\u001b[0m', 'a', 'b', 'c', 'd', 'e'];
    live.draw();
    expect(terminal.take()).to.equal(
      '<?2026h><?7l><1m>012345678901234567…<0m><K>\na<K>\nb<K>\nc<K>\n<0J><?7h><?2026l>',
    );
  });

  it('finds the top again when the terminal breaks its lines', () => {
    lines = ['0123456789', 'x'];
    live.draw();
    terminal.take();
    terminal.columns = 5;
    terminal.emit('resize');
    expect(terminal.take()).to.equal('<?2026h><?7l><3A><CR>012…<K>\nx<K>\n<0J><?7h><?2026l>');
  });

  it('leaves the terminal to others, and leaves all lines at its end', () => {
    live.draw();
    live.pause();
    terminal.take();
    lines = ['new'];
    live.draw();
    expect(terminal.take()).to.equal('');
    live.resume();
    expect(terminal.take()).to.equal('<?25l><?2026h><?7l>new<K>\n<0J><?7h><?2026l>');
    lines = ['1', '2', '3', '4', '5', '6', '7'];
    live.stop();
    const all = lines.map(line => `${line}<K>\n`).join('');
    expect(terminal.take()).to.equal(`<?2026h><?7l><1A><CR>${all}<K><0J><?25h><?7h><?2026l>`);
  });
});
