import { expect } from 'chai';
import { matchGlob } from '../../src/builder/dockerfile/glob.ts';
import { hasWildcard, splitWildcards } from '../../src/builder/execute/copy/wildcard.ts';
import { OutputTail } from '../../src/builder/execute/output-tail.ts';
import { goDuration, goQuote, healthcheckText } from '../../src/builder/plan/history-text.ts';
import { parsePorts } from '../../src/builder/plan/ports.ts';

/** Pattern, name, what Go's filepath.Match says; undefined for ErrBadPattern. */
const matches: readonly (readonly [string, string, boolean | undefined])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'a/c/b', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a[^x]b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'z', false],
  ['[]a]', ']', undefined],
  ['[-]', '-', undefined],
  ['[x-]', 'x', undefined],
  ['[a-b-c]', 'a', undefined],
  ['[', 'a', undefined],
  ['[^', 'a', undefined],
  ['a[', 'ab', undefined],
  ['a.b', 'axb', false],
  ['a b#&~-(1)+', 'a b#&~-(1)+', true],
];

const quotes: readonly (readonly [string, string])[] = [
  ['', '""'],
  ['a "b" \\c', '"a \\"b\\" \\\\c"'],
  ['\t\n\x01\x7f', '"\\t\\n\\x01\\x7f"'],
  ['ä☺\u00a0\u200b', '"ä☺\\u00a0\\u200b"'],
];

const durations: readonly (readonly [number, string])[] = [
  [0, '0s'],
  [1500, '1.5µs'],
  [1.5e6, '1.5ms'],
  [30e9, '30s'],
  [90e9, '1m30s'],
  [3600e9, '1h0m0s'],
  [1.5e9, '1.5s'],
];

const ports: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['80', ['80/tcp']],
  ['53/UDP', ['53/udp']],
  ['80-82/sctp', ['80/sctp', '81/sctp', '82/sctp']],
  ['127.0.0.1:8080:80', ['80/tcp']],
  ['80/http', undefined],
  ['82-80', undefined],
  ['65536', undefined],
  ['http', undefined],
  ['', undefined],
];

describe('builder texts', () => {
  it('matches wildcards as Go does', () => {
    for (const [pattern, name, expected] of matches) {
      expect(matchGlob(pattern, name), `${pattern} on ${name}`).to.equal(expected);
    }
  });

  it('finds where wildcards begin', () => {
    expect(hasWildcard('a\\*b')).to.equal(false);
    expect(splitWildcards('/a/b*/c')).to.deep.equal({ fixed: '/a', pattern: 'b*/c' });
    expect(splitWildcards('/*')).to.deep.equal({ fixed: '/', pattern: '*' });
    expect(splitWildcards('/a/b')).to.deep.equal({ fixed: '/a/b', pattern: '' });
  });

  it('prints as Go does', () => {
    for (const [text, expected] of quotes) expect(goQuote(text)).to.equal(expected);
    for (const [duration, expected] of durations) expect(goDuration(duration)).to.equal(expected);
    const check = { Test: ['CMD', 'a'], Interval: 5e9, Retries: 3 };
    expect(healthcheckText(check)).to.equal('&{["CMD" "a"] "5s" "0s" "0s" "0s" \'\\x03\'}');
  });

  it('reads ports', () => {
    for (const [text, expected] of ports) expect(parsePorts(text), text).to.deep.equal(expected);
  });

  it('keeps the last lines, also of a progress bar', () => {
    const tail = new OutputTail(3);
    for (const text of ['1\n2\n', '3\n4', '4\n', '10%\r20%\r30%\r\n', 'end']) tail.write(Buffer.from(text));
    expect(tail.lines()).to.deep.equal(['44', '30%', 'end']);
  });
});
