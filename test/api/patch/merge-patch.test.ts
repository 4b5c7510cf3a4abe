import { expect } from 'chai';
import type { JsonValue } from '../../../src/api/patch/json-value.ts';
import { applyMergePatch } from '../../../src/api/patch/merge-patch.ts';

/** RFC 7386, appendix A: target, patch, result; and what JavaScript could trip over. */
const rows: readonly (readonly [JsonValue, JsonValue, JsonValue])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ a: 1 }, { constructor: { prototype: null } }, { a: 1, constructor: {} }],
];

describe('JSON merge patch', () => {
  for (const [target, patch, result] of rows) {
    it(`${JSON.stringify(target)} + ${JSON.stringify(patch)}`, () => {
      expect(applyMergePatch(target, patch)).to.deep.equal(result);
    });
  }

  it('changes nothing that every object has', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true}}') as JsonValue;
    const merged = applyMergePatch({}, patch) as object;
    expect(Object.keys(merged)).to.deep.equal(['__proto__']);
    expect('polluted' in {}).to.equal(false);
  });
});
