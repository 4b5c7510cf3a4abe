import { expect } from 'chai';
import { isTag, parseRepositoryName, parseTag } from '../../src/distribution/names.ts';
import { thrownBy } from '../support/thrown-by.ts';

const names = ['a', 'a/b/c', 'a.b', 'a_b', 'a__b', 'a-b', 'a---b', '0', 'a0/0a', 'a'.repeat(255)];
const wrongNames = [
  '',
  'A',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  '.a',
  'a.',
  'a..b',
  'a___b',
  '_a',
  '-a',
  'a-',
  'a b',
  'a\nb',
  'a\u0000',
  'a%2fb',
  'a:b',
  'a@b',
  'ä',
  'a\\b',
  'a'.repeat(256),
];
const tags = ['a', 'A', '_', '0', 'v1.2.3-rc_1', 'latest', 'a'.repeat(128)];
const wrongTags = ['', '.a', '-a', 'a/b', 'a:b', 'a@b', 'a b', 'a\n', '..', 'ä', 'a'.repeat(129)];

describe('repository names', () => {
  for (const name of names) it(name.slice(0, 40), () => expect(parseRepositoryName(name)).to.equal(name));
  for (const name of wrongNames) {
    it(`refuses ${JSON.stringify(name.slice(0, 40))}`, () => {
      const error = thrownBy(() => parseRepositoryName(name), 'NAME_INVALID');
      expect(error.detail).to.deep.equal({ name });
      expect(error.message).to.equal(`invalid repository name ${JSON.stringify(name)}`);
    });
  }

  it('shows a long one only in part, and in no time', () => {
    const name = `${'a-'.repeat(1 << 20)}A`;
    expect(thrownBy(() => parseRepositoryName(name), 'NAME_INVALID').message.length).to.be.lessThan(400);
  });
});

describe('tags', () => {
  for (const tag of tags) it(tag.slice(0, 40), () => expect(parseTag(tag)).to.equal(tag));
  for (const tag of wrongTags) {
    it(`refuses ${JSON.stringify(tag.slice(0, 40))}`, () => {
      expect(isTag(tag)).to.equal(false);
      expect(thrownBy(() => parseTag(tag), 'TAG_INVALID').detail).to.deep.equal({ tag });
    });
  }
});
