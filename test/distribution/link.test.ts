import { expect } from 'chai';
import { formatNextLink, parseNextLink } from '../../src/distribution/link.ts';

const next = '/v2/a/tags/list?n=2&last=b';

/** Header, and the target of `next`. */
const rows: readonly (readonly [string | undefined, string | undefined])[] = [
  [undefined, undefined],
  ['', undefined],
  [`<${next}>; rel="next"`, next],
  [`<${next}>; rel=next`, next],
  [`<${next}> ;REL = "Next"`, next],
  [`<${next}>; rel="start next"`, next],
  [`<${next}>; title="a, b; c"; rel="next"`, next],
  [`</first>; rel="first", <${next}>; rel="next", </last>; rel="last"`, next],
  [`<http://registry.example${next}>; rel="next"`, `http://registry.example${next}`],
  [`<${next}>; rel="prev"`, undefined],
  [`<${next}>; rel="next-archive"`, undefined],
  [`<${next}>; rel=next-archive`, undefined],
  [`<${next}>; title="; rel=next ;"`, undefined],
  [`<${next}>`, undefined],
  [`<${next}; rel="next"`, undefined],
  ['rel="next"', undefined],
];

describe('Link', () => {
  for (const [header, target] of rows) {
    it(JSON.stringify(header) ?? 'no header', () => expect(parseNextLink(header)).to.equal(target));
  }

  it('reads what it writes', () => {
    expect(parseNextLink(formatNextLink(next))).to.equal(next);
  });

  it('ends with a header without end', () => {
    for (const part of ['<', '<a>;', '<a>; ', ';"', ' ']) {
      expect(parseNextLink(part.repeat(100_000)), part).to.equal(undefined);
    }
  });
});
