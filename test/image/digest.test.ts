import { expect } from 'chai';
import {
  Digester,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
} from '../../src/image/digest.ts';
import { thrownBy } from '../support/thrown-by.ts';

/** FIPS 180-4 examples, and of nothing. */
const known: readonly (readonly [string, string, string])[] = [
  [
    '',
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
  [
    'abc',
    'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
];

const wrong = [
  '',
  ':',
  'sha256',
  'sha256:',
  `sha256:${'a'.repeat(63)}`,
  `sha256:${'a'.repeat(65)}`,
  `sha256:${'a'.repeat(128)}`,
  `sha512:${'a'.repeat(64)}`,
  `sha256:${'A'.repeat(64)}`,
  `SHA256:${'a'.repeat(64)}`,
  `sha256:${'g'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}\n`,
  ` sha256:${'a'.repeat(64)}`,
  `sha256:../${'a'.repeat(61)}`,
  `md5:${'a'.repeat(32)}`,
  `sha384:${'a'.repeat(96)}`,
  `__proto__:${'a'.repeat(64)}`,
  'a'.repeat(64),
];

describe('digests', () => {
  for (const [text, sha256, sha512] of known) {
    it(`of ${JSON.stringify(text)}`, () => {
      expect(digestOf(text)).to.equal(sha256);
      expect(digestOf(text, 'sha512')).to.equal(sha512);
      expect(digestOf(Buffer.from(text))).to.equal(sha256);
      for (const digest of [sha256, sha512]) expect(parseDigest(digest)).to.equal(digest);
    });
  }

  it('have an algorithm and digits', () => {
    for (const [, ...digests] of known) {
      for (const digest of digests.map(parseDigest))
        expect(`${digestAlgorithm(digest)}:${digestHex(digest)}`).to.equal(digest);
    }
  });

  it('come of chunks as of the whole', () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digester = new Digester(algorithm);
      for (const chunk of ['a', '', 'bc']) digester.update(Buffer.from(chunk));
      expect(digester.digest()).to.equal(digestOf('abc', algorithm));
    }
  });

  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))} (${text.length})`, () => {
      expect(isDigest(text)).to.equal(false);
      thrownBy(() => parseDigest(text), 'DIGEST_INVALID');
    });
  }
});
