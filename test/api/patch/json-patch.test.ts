import { expect } from 'chai';
import { applyJsonPatch } from '../../../src/api/patch/json-patch.ts';
import type { JsonValue } from '../../../src/api/patch/json-value.ts';
import { statusThrownBy } from '../support.ts';

/** Document, patch, result: RFC 6902 appendix A, and more. */
const rows: readonly (readonly [string, JsonValue, JsonValue, JsonValue])[] = [
  ['add a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ['add over a member', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
  ['add to a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
  ['add at the end', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  ['add right behind the end', { a: [1] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2] }],
  ['add a list to a list', { a: [1] }, [{ op: 'add', path: '/a/-', value: [2] }], { a: [1, [2]] }],
  ['add null', {}, [{ op: 'add', path: '/a', value: null }], { a: null }],
  [
    'add deep inside',
    { a: [{ b: {} }] },
    [{ op: 'add', path: '/a/0/b/c', value: 1 }],
    { a: [{ b: { c: 1 } }] },
  ],
  ['add the whole', { a: 1 }, [{ op: 'add', path: '', value: [] }], []],
  ['remove a member', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
  ['remove from a list', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/1' }], { a: [1, 3] }],
  ['replace', { a: [1, 2] }, [{ op: 'replace', path: '/a/0', value: 9 }], { a: [9, 2] }],
  ['replace by null', { a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
  ['move', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
  ['move in a list', { a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
  ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  [
    'test and go on',
    { a: 'b', c: [1] },
    [
      { op: 'test', path: '/c', value: [1] },
      { op: 'remove', path: '/a' },
    ],
    { c: [1] },
  ],
  [
    'test the order of no members',
    { a: { b: 1, c: 2 } },
    [{ op: 'test', path: '/a', value: { c: 2, b: 1 } }],
    { a: { b: 1, c: 2 } },
  ],
  [
    'escapes',
    { 'a/b': 1, 'm~n': 2 },
    [
      { op: 'remove', path: '/a~1b' },
      { op: 'test', path: '/m~0n', value: 2 },
    ],
    { 'm~n': 2 },
  ],
  ['a tilde before a one', { '~1': 1 }, [{ op: 'replace', path: '/~01', value: 2 }], { '~1': 2 }],
  ['an empty name', { '': 1 }, [{ op: 'replace', path: '/', value: 2 }], { '': 2 }],
  ['fields that nobody knows', { a: 1 }, [{ op: 'add', path: '/b', value: 2, xyz: 3 }], { a: 1, b: 2 }],
  ['nothing', { a: 1 }, [], { a: 1 }],
];

/** Document, patch, code, and what is said. */
const wrong: readonly (readonly [string, JsonValue, JsonValue, number, RegExp])[] = [
  ['no list', {}, { op: 'add' }, 400, /the patch is not a list/],
  ['no operation', {}, ['add'], 400, /an operation is not an object/],
  ['an unknown operation', {}, [{ op: 'spam', path: '/a' }], 400, /unknown operation "spam"/],
  ['no pointer', {}, [{ op: 'add', value: 1 }], 400, /undefined is not a JSON pointer/],
  ['a pointer without a slash', {}, [{ op: 'add', path: 'a', value: 1 }], 400, /"a" is not a JSON pointer/],
  ['no value', {}, [{ op: 'add', path: '/a' }], 400, /add needs a value/],
  ['no source', {}, [{ op: 'move', path: '/a' }], 400, /undefined is not a JSON pointer/],
  ['add into nothing', {}, [{ op: 'add', path: '/a/b', value: 1 }], 422, /there is no \/a/],
  [
    'add into a text',
    { a: 'b' },
    [{ op: 'add', path: '/a/b', value: 1 }],
    422,
    /\/b is in nothing that has fields/,
  ],
  [
    'add far behind the end',
    { a: [] },
    [{ op: 'add', path: '/a/1', value: 1 }],
    422,
    /no index 1 in a list of 0/,
  ],
  ['a leading zero', { a: [1, 2] }, [{ op: 'remove', path: '/a/01' }], 422, /no index 01/],
  ['a negative index', { a: [1] }, [{ op: 'remove', path: '/a/-1' }], 422, /no index -1/],
  ['remove behind the end', { a: [1] }, [{ op: 'remove', path: '/a/-' }], 422, /no index -/],
  ['remove what is not there', {}, [{ op: 'remove', path: '/a' }], 422, /there is no \/a/],
  ['replace what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], 422, /there is no \/a/],
  [
    'move into itself',
    { a: { b: {} } },
    [{ op: 'move', from: '/a', path: '/a/b/c' }],
    422,
    /there is no \/a/,
  ],
  ['a test that fails', { a: 1 }, [{ op: 'test', path: '/a', value: '1' }], 422, /testing value \/a failed/],
  ['a test of what is not there', {}, [{ op: 'test', path: '/a', value: null }], 422, /there is no \/a/],
  ['what every object has', {}, [{ op: 'remove', path: '/constructor' }], 422, /there is no \/constructor/],
  [
    'too many operations',
    {},
    Array.from({ length: 10_001 }, () => ({ op: 'test' })),
    413,
    /maximum operations in a JSON patch is 10000, got 10001/,
  ],
  [
    'copies of copies',
    { a: ['x'.repeat(1000)] },
    Array.from({ length: 64 }, () => ({ op: 'copy', from: '/a', path: '/a/-' })),
    413,
    /may add 3145728 bytes at most/,
  ],
];

describe('JSON patch', () => {
  for (const [title, document, patch, result] of rows) {
    it(title, () => {
      const before = structuredClone(document);
      expect(applyJsonPatch(document, patch)).to.deep.equal(result);
      expect(document).to.deep.equal(before);
    });
  }
  for (const [title, document, patch, code, message] of wrong) {
    it(`refuses ${title}`, () => {
      const status = statusThrownBy(() => applyJsonPatch(document, patch));
      expect(status.code).to.equal(code);
      expect(status.message).to.match(message);
    });
  }

  it('changes nothing that every object has', () => {
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(Object.keys(patched as object)).to.deep.equal(['__proto__']);
    expect('polluted' in {}).to.equal(false);
  });
});
