import { expect } from 'chai';
import { assert, constantFrom, nat, property, tuple } from 'fast-check';
import { canonicalQuantity, parseQuantity } from '../../src/api/quantity.ts';

/** Text, its number, and its canonical form. */
const rows: readonly (readonly [string | number, number, string])[] = [
  ['0', 0, '0'],
  ['0Mi', 0, '0'],
  ['0.0', 0, '0'],
  ['-0', -0, '0'],
  ['1', 1, '1'],
  [1, 1, '1'],
  [0.5, 0.5, '500m'],
  ['+1', 1, '1'],
  ['-1', -1, '-1'],
  ['-1500m', -1.5, '-1500m'],
  ['0.5', 0.5, '500m'],
  ['.5', 0.5, '500m'],
  ['5.', 5, '5'],
  ['700m', 0.7, '700m'],
  ['0.7', 0.7, '700m'],
  ['1000m', 1, '1'],
  ['1500m', 1.5, '1500m'],
  ['100', 100, '100'],
  ['1000', 1000, '1k'],
  ['1000M', 1e9, '1G'],
  ['1.001k', 1001, '1001'],
  ['1E', 1e18, '1E'],
  ['5E', 5e18, '5E'],
  ['1e3', 1000, '1e3'],
  ['1E3', 1000, '1e3'],
  ['1000e3', 1e6, '1e6'],
  ['12e4', 120_000, '120e3'],
  ['1e-1', 0.1, '100e-3'],
  ['1500e0', 1500, '1500'],
  ['1e+2', 100, '100'],
  ['1Ki', 1024, '1Ki'],
  ['1Mi', 2 ** 20, '1Mi'],
  ['1024Mi', 2 ** 30, '1Gi'],
  ['1536Mi', 1.5 * 2 ** 30, '1536Mi'],
  ['1.5Gi', 1.5 * 2 ** 30, '1536Mi'],
  ['.5Mi', 2 ** 19, '512Ki'],
  ['.5Ki', 512, '512'],
  ['1.1Ki', 1126.4, '1126400m'],
  ['.001Ki', 1.024, '1024m'],
  ['.000001Ki', 0.001024, '1024u'],
  ['.000000001Ki', 0.000001024, '1024n'],
  // What is less than a billionth is rounded up.
  ['.000000000001Ki', 2e-9, '2n'],
  ['0.1n', 1e-9, '1n'],
  ['1e-999999999', 1e-9, '1e-9'],
  ['1n', 1e-9, '1n'],
  ['1u', 1e-6, '1u'],
  // What is more than 64 bits hold is cut.
  ['100E', 2 ** 63, '9223372036854775807'],
  ['1e999999999', 2 ** 63, '9223372036854775807'],
  ['8Ei', 2 ** 63, '9223372036854775807'],
];

const wrong = [
  '',
  ' ',
  '.',
  '-',
  '+',
  'm',
  'Ki',
  '1 ',
  ' 1',
  '1 Ki',
  '1KI',
  '1ki',
  '1mi',
  '1K',
  '1g',
  '1b',
  '1e',
  '1e3Mi',
  '1Mi5',
  '1.2.3',
  '--1',
  '1,5',
  '0x10',
  '1_000',
  'NaN',
  'Infinity',
  '١',
  '1'.repeat(129),
];

describe('quantities', () => {
  for (const [text, number, canonical] of rows) {
    it(JSON.stringify(text), () => {
      expect(parseQuantity(text)).to.equal(number);
      expect(canonicalQuantity(text)).to.equal(canonical);
    });
  }
  for (const text of wrong) {
    it(`${JSON.stringify(text.slice(0, 20))} is none`, () => {
      expect(parseQuantity(text)).to.be.NaN;
      expect(canonicalQuantity(text)).to.equal(undefined);
    });
  }

  it('are the same number in their canonical form, which has no other', () => {
    const suffix = constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'e-2');
    const quantity = tuple(constantFrom('', '-'), nat(99_999), nat(999), suffix).map(
      ([sign, whole, fraction, unit]) => `${sign}${whole}.${fraction}${unit}`,
    );
    assert(
      property(quantity, text => {
        const canonical = canonicalQuantity(text) ?? '';
        return parseQuantity(canonical) === parseQuantity(text) && canonicalQuantity(canonical) === canonical;
      }),
    );
  });
});
