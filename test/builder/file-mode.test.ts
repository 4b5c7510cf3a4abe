import { expect } from 'chai';
import { applyModeChange, parseModeChange } from '../../src/builder/execute/copy/file-mode.ts';

/** `--chmod`, the mode before, the mode after; what BSD's setmode(3) does under a umask of 022. */
const rows: readonly (readonly [string, number, number])[] = [
  ['0', 0o777, 0],
  ['644', 0o4755, 0o644],
  ['07777', 0, 0o7777],
  ['u=rwx,go=rx', 0o600, 0o755],
  ['u=rwX,go=rX', 0o644, 0o644],
  ['go-w', 0o666, 0o644],
  ['a+x', 0o644, 0o755],
  ['+x', 0o644, 0o755],
  ['+w', 0o444, 0o644],
  ['-w', 0o666, 0o466],
  ['=r', 0o7777, 0o1444],
  ['u+s,g+s', 0o755, 0o6755],
  ['u-s', 0o4755, 0o755],
  ['+t', 0o755, 0o1755],
  ['o+t', 0o755, 0o755],
  ['o+s', 0o755, 0o755],
  ['a+X', 0o644, 0o644],
  ['a+X', 0o744, 0o755],
  ['g=u', 0o640, 0o660],
  ['go=u-w', 0o750, 0o755],
  ['o=g', 0o4750, 0o4755],
  ['g-u', 0o775, 0o705],
  ['go=', 0o755, 0o700],
  ['u=rw,u+x', 0o000, 0o700],
  ['u+r-x', 0o300, 0o600],
  ['ug+rw,o-rwx', 0o007, 0o660],
];

describe('--chmod', () => {
  for (const [text, before, after] of rows) {
    it(`${text} makes ${before.toString(8)} to ${after.toString(8)}`, () => {
      const change = parseModeChange(text);
      expect(change === undefined ? -1 : applyModeChange(change, before, false)).to.equal(after);
    });
  }

  it('X concerns folders always', () => {
    const change = parseModeChange('a+X');
    expect(change === undefined ? -1 : applyModeChange(change, 0o600, true)).to.equal(0o711);
  });

  for (const text of ['8', '10000', '0o644', 'u', 'u+y', 'x+u', 'u+r,', ',u+r', 'u r', '']) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseModeChange(text)).to.equal(undefined));
  }
});
