import { expect } from 'chai';
import { assert, jsonValue, property } from 'fast-check';
import { formatPath } from '../../src/api/decode.ts';
import { findDuplicateFields } from '../../src/api/duplicate-fields.ts';

/** JSON, and the fields that it has twice. */
const rows: readonly (readonly [string, readonly string[]])[] = [
  ['{}', []],
  ['null', []],
  ['"a"', []],
  ['{"a":1,"b":2}', []],
  ['{"a":1,"a":2}', ['a']],
  ['{"a":1,"a":2,"a":3}', ['a', 'a']],
  ['{"a":{"b":1,"b":2}}', ['a.b']],
  ['{"a":{"b":1},"c":{"b":2}}', []],
  ['{"a":[{"b":1},{"b":1,"b":2}]}', ['a[1].b']],
  ['{"a":[[1,2],[{"b":{"c":1},"b":3}]]}', ['a[1][0].b']],
  ['{"a":{"x":1},"b":1,"a":{"x":1,"x":2}}', ['a', 'a.x']],
  // Signs in texts are no signs.
  ['{"a":"}{,:\\"a\\":","b":["a","a"],"c":"a"}', []],
  // The same name, written in two ways.
  ['{"a":1,"\\u0061":2}', ['a']],
  [' { "a" : 1 ,\n"a" : true } ', ['a']],
  ['{"__proto__":1,"__proto__":2,"constructor":3}', ['__proto__']],
  ['{"":1,"":2}', ['']],
];

describe('duplicate fields', () => {
  for (const [text, fields] of rows) {
    it(text, () => expect(findDuplicateFields(text).map(formatPath)).to.deep.equal(fields));
  }

  it('are in nothing that was written from a value', () => {
    assert(property(jsonValue(), value => findDuplicateFields(JSON.stringify(value)).length === 0));
  });

  it('takes lists without end', () => {
    expect(findDuplicateFields(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).to.deep.equal([]);
  });
});
