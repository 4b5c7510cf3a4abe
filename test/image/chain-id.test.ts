import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { chainIDOf, extendChainID } from '../../src/image/chain-id.ts';
import { digestOf } from '../../src/image/digest.ts';

const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

describe('chainID', () => {
  it('of no layers is none, of one its diffID, of more a digest of the chain', () => {
    expect(chainIDOf([])).to.equal(undefined);
    expect(chainIDOf([a])).to.equal(a);
    expect(chainIDOf([a, b])).to.equal(sha256(`${a} ${b}`));
    expect(chainIDOf([a, b, c])).to.equal(sha256(`${sha256(`${a} ${b}`)} ${c}`));
  });

  it('grows by a layer', () => {
    expect(extendChainID(chainIDOf([a, b]), c)).to.equal(chainIDOf([a, b, c]));
    expect(extendChainID(undefined, a)).to.equal(a);
  });

  it('tells the order of layers', () => {
    expect(chainIDOf([b, a])).to.not.equal(chainIDOf([a, b]));
  });

  it('is of sha256 also over diffIDs of sha512', () => {
    const long = digestOf('a', 'sha512');
    expect(chainIDOf([long])).to.equal(long);
    expect(chainIDOf([long, b])).to.equal(sha256(`${long} ${b}`));
  });
});
