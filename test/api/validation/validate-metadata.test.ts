import { expect } from 'chai';
import { wrongLabelName } from '../../../src/api/names.ts';
import type { ObjectMeta } from '../../../src/api/object-meta.ts';
import { validateMetadata } from '../../../src/api/validation/validate-metadata.ts';
import { textsOf } from '../support.ts';

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'o', uid: '1' };
const least = { name: 'a', namespace: 'n' };

const good: readonly (readonly [string, object])[] = [
  ['the least', least],
  ['a long name', { ...least, name: 'a.'.repeat(126).slice(0, 251) }],
  ['a base for a name', { ...least, generateName: 'a-' }],
  ['labels', { ...least, labels: { a: '', 'b.c/D': 'E_f' } }],
  ['annotations', { ...least, annotations: { 'Example.COM/a': 'any text\n' } }],
  ['owners', { ...least, ownerReferences: [{ ...owner, controller: true }, owner] }],
  ['finalizers', { ...least, finalizers: ['foregroundDeletion', 'example.com/a'] }],
];

const wrong: readonly (readonly [string, object, readonly (string | RegExp)[]])[] = [
  ['no name', { namespace: 'n' }, ['metadata.name: Required value: name or generateName is required']],
  [
    'a name',
    { ...least, name: 'A' },
    [/^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain/],
  ],
  ['a name too long', { ...least, name: 'a'.repeat(254) }, [/must be no more than 253 characters$/]],
  ['a base for a name', { ...least, generateName: 'A' }, [/^metadata\.generateName: Invalid value: "A": /]],
  ['no namespace', { name: 'a' }, ['metadata.namespace: Required value']],
  [
    'a namespace',
    { ...least, namespace: 'a.b' },
    ['metadata.namespace: Invalid value: "a.b": must not contain dots'],
  ],
  [
    'a label',
    { ...least, labels: { '-': 'b' } },
    [/^metadata\.labels: Invalid value: "-": name part must consist/],
  ],
  [
    'a value of a label',
    { ...least, labels: { a: '-' } },
    [/^metadata\.labels: Invalid value: "-": a valid label/],
  ],
  [
    'an annotation',
    { ...least, annotations: { 'a b': '' } },
    [/^metadata\.annotations: Invalid value: "a b": name part/],
  ],
  [
    'annotations too long',
    { ...least, annotations: { a: 'ä'.repeat(131_072) } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  [
    'an owner of nothing',
    { ...least, ownerReferences: [{}] },
    [
      'metadata.ownerReferences[0].apiVersion: Invalid value: "": version must not be empty',
      ...['kind', 'name', 'uid'].map(
        field => `metadata.ownerReferences[0].${field}: Invalid value: "": must not be empty`,
      ),
    ],
  ],
  [
    'two controllers',
    {
      ...least,
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: 'p', controller: true },
      ],
    },
    [
      /^metadata\.ownerReferences: .*Only one reference can have Controller set to true\. Found "true" in references for Pod\/o and Pod\/p$/,
    ],
  ],
  ['a finalizer', { ...least, finalizers: ['-'] }, [/^metadata\.finalizers: Invalid value: "-": name part/]],
];

describe('validation of metadata', () => {
  const validate = (metadata: object) =>
    textsOf(validateMetadata(metadata as ObjectMeta, { namespaced: true }));
  for (const [title, metadata] of good) {
    it(`takes ${title}`, () => expect(validate(metadata)).to.deep.equal([]));
  }
  for (const [title, metadata, texts] of wrong) {
    it(`refuses ${title}`, () => {
      const found = validate(metadata);
      expect(found.length).to.equal(texts.length);
      for (const [index, text] of texts.entries()) {
        if (typeof text === 'string') expect(found[index]).to.equal(text);
        else expect(found[index]).to.match(text);
      }
    });
  }

  it('of what lies in no namespace', () => {
    const options = { namespaced: false, wrongName: wrongLabelName };
    expect(validateMetadata({ name: 'a' }, options)).to.deep.equal([]);
    expect(textsOf(validateMetadata({ name: 'a.b', namespace: 'n' }, options))).to.deep.equal([
      'metadata.name: Invalid value: "a.b": must not contain dots',
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
  });
});
