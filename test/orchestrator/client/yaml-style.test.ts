import { expect } from 'chai';
import { compareNames, type TextStyle, textStyle } from '../../../src/orchestrator/client/yaml-style.ts';
import { yamlText } from '../../../src/orchestrator/client/yaml-text.ts';

const sorted: readonly (readonly string[])[] = [
  ['', 'a', 'b'],
  ['a', 'aa', 'ab', 'b'],
  ['a2', 'a10', 'a010b', 'a11'],
  ['A', 'B', 'a'],
  ['a-b', 'aa'],
  ['1', '2', '10'],
  ['1a', '1b', '1-'],
  ['v1', 'v1.2', 'v1.10'],
];

const styles: readonly (readonly [string, TextStyle])[] = [
  ['a b', 'plain'],
  ['a:b', 'plain'],
  ['a: b', 'single'],
  ['a #b', 'single'],
  ['- a', 'single'],
  ['-a', 'plain'],
  [' a', 'single'],
  ['---', 'single'],
  ['a\tb', 'double'],
  ['12', 'double'],
  ['a\nb', 'literal'],
  ['a \nb', 'double'],
];

describe('YAML as go-yaml writes it', () => {
  for (const names of sorted) {
    it(`sorts ${names.join(' ')}`, () => {
      expect(names.toReversed().sort(compareNames)).to.deep.equal(names);
    });
  }
  for (const [text, style] of styles) {
    it(`${JSON.stringify(text)}: ${style}`, () => {
      expect(textStyle(text, plain => !/^\d+$/.test(plain))).to.equal(style);
    });
  }

  it('shows an object once more where it stands twice', async () => {
    const twice = { a: 1 };
    expect(await yamlText({ b: twice, a: [twice, 'yes', 'x: y'] })).to.equal(
      'a:\n- a: 1\n- "yes"\n- \'x: y\'\nb:\n  a: 1\n',
    );
  });
});
