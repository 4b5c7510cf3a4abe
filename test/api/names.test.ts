import { expect } from 'chai';
import {
  type NameCheck,
  wrongLabelName,
  wrongLabelValue,
  wrongQualifiedName,
  wrongSubdomain,
} from '../../src/api/names.ts';

const long = 'must be no more than';
const label = 'a lowercase RFC 1123 label must consist of';
const subdomain = 'a lowercase RFC 1123 subdomain must consist of';
const qualified = 'must consist of alphanumeric characters';
const value = 'a valid label must be an empty string or consist of';
const hex63 = 'a'.repeat(63);

/** Check, text, and how each thing that is wrong begins. */
const rows: readonly (readonly [NameCheck, string, readonly string[]])[] = [
  [wrongLabelName, 'a', []],
  [wrongLabelName, '0', []],
  [wrongLabelName, 'a-0', []],
  [wrongLabelName, hex63, []],
  [wrongLabelName, '', [label]],
  [wrongLabelName, 'A', [label]],
  [wrongLabelName, '-a', [label]],
  [wrongLabelName, 'a-', [label]],
  [wrongLabelName, 'a_b', [label]],
  [wrongLabelName, 'a\n', [label]],
  [wrongLabelName, 'ä', [label]],
  [wrongLabelName, 'a.b', ['must not contain dots']],
  [wrongLabelName, `${hex63}a`, [`${long} 63 characters`]],
  [wrongLabelName, `${hex63}A`, [`${long} 63 characters`, label]],
  [wrongSubdomain, 'a.b-c.0', []],
  [wrongSubdomain, 'a'.repeat(253), []],
  [wrongSubdomain, '', [subdomain]],
  [wrongSubdomain, '.', [subdomain]],
  [wrongSubdomain, '..', [subdomain]],
  [wrongSubdomain, 'a..b', [subdomain]],
  [wrongSubdomain, 'a.', [subdomain]],
  [wrongSubdomain, 'a/b', [subdomain]],
  [wrongSubdomain, 'A.b', [subdomain]],
  [wrongSubdomain, 'a'.repeat(254), [`${long} 253 characters`]],
  [wrongQualifiedName, 'a', []],
  [wrongQualifiedName, 'A.b_c-0', []],
  [wrongQualifiedName, 'example.com/A.b', []],
  [wrongQualifiedName, '', ['name part must be non-empty', `name part ${qualified}`]],
  [wrongQualifiedName, '-a', [`name part ${qualified}`]],
  [wrongQualifiedName, `${hex63}a`, [`name part ${long} 63 characters`]],
  [wrongQualifiedName, '/a', ['prefix part must be non-empty']],
  [wrongQualifiedName, 'Example.com/a', [`prefix part ${subdomain}`]],
  [wrongQualifiedName, 'a/', ['name part must be non-empty', `name part ${qualified}`]],
  [wrongQualifiedName, 'a/b/c', [`a qualified name ${qualified}`]],
  [wrongQualifiedName, 'a b', [`name part ${qualified}`]],
  [wrongLabelValue, '', []],
  [wrongLabelValue, 'A.b_c-0', []],
  [wrongLabelValue, '-', [value]],
  [wrongLabelValue, 'a b', [value]],
  [wrongLabelValue, 'a/b', [value]],
  [wrongLabelValue, `${hex63}a`, [`${long} 63 characters`]],
];

describe('names of objects and labels', () => {
  for (const [check, text, expected] of rows) {
    it(`${check.name} ${JSON.stringify(text.slice(0, 30))} (${text.length})`, () => {
      const found = check(text);
      expect(found.length).to.equal(expected.length);
      for (const [index, beginning] of expected.entries())
        expect(found[index]).to.satisfy(startsWith(beginning));
    });
  }

  it('take texts without end in no time', () => {
    const text = 'a-'.repeat(1 << 20);
    for (const check of [wrongLabelName, wrongSubdomain, wrongQualifiedName, wrongLabelValue])
      expect(check(text).length).to.be.greaterThan(0);
  });

  it('say it as Kubernetes does', () => {
    expect(wrongLabelName('A')).to.deep.equal([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
  });
});

function startsWith(beginning: string): (text: string) => boolean {
  return text => text.startsWith(beginning);
}
