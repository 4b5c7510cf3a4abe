import { expect } from 'chai';
import { decodeProtobuf } from '../../../src/api/protobuf/decode-protobuf.ts';

/** Writes what the tests read: a number, a text, a message. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}
const number = (field: number, value: number | bigint) => [
  ...varint(BigInt(field * 8)),
  ...varint(BigInt(value)),
];
const bytes = (field: number, content: readonly number[]) => [
  ...varint(BigInt(field * 8 + 2)),
  ...varint(BigInt(content.length)),
  ...content,
];
const text = (field: number, content: string) => bytes(field, [...Buffer.from(content)]);

function body(apiVersion: string, kind: string, raw: readonly number[]): Uint8Array {
  const type = [...text(1, apiVersion), ...text(2, kind)];
  return Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0,
    ...bytes(1, type),
    ...bytes(2, raw),
    ...text(3, ''),
    ...text(4, ''),
  ]);
}

const namespace = (...metadata: number[]) => body('v1', 'Namespace', bytes(1, metadata));
const options = (...raw: number[]) => body('v1', 'DeleteOptions', raw);

const rows: readonly (readonly [string, Uint8Array, object])[] = [
  [
    'what kubectl create namespace writes: every field, most of them empty',
    body('v1', 'Namespace', [
      ...bytes(1, [
        ...text(1, 'a'),
        ...text(2, ''),
        ...text(3, ''),
        ...text(4, ''),
        ...text(5, ''),
        ...text(6, ''),
        ...number(7, 0),
        ...bytes(8, []),
      ]),
      ...bytes(2, []),
      ...bytes(3, text(1, '')),
    ]),
    { metadata: { name: 'a' }, spec: {}, status: {} },
  ],
  [
    'lists and maps',
    namespace(
      ...text(1, 'a'),
      ...bytes(11, [...text(1, 'k'), ...text(2, 'v')]),
      ...bytes(11, [...text(1, 'empty')]),
      ...bytes(12, [...text(2, 'no key')]),
      ...text(14, 'f'),
      ...text(14, 'g'),
    ),
    {
      metadata: {
        name: 'a',
        labels: { k: 'v', empty: '' },
        annotations: { '': 'no key' },
        finalizers: ['f', 'g'],
      },
    },
  ],
  [
    'times and numbers',
    namespace(
      ...number(7, 3),
      ...bytes(8, [...number(1, 1_767_225_600), ...number(2, 999)]),
      ...number(10, 0),
    ),
    { metadata: { generation: 3, creationTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 } },
  ],
  [
    'messages in a list',
    namespace(
      ...bytes(13, [
        ...text(1, 'Pod'),
        ...text(3, 'p'),
        ...text(4, 'u'),
        ...text(5, 'v1'),
        ...number(6, 1),
        ...number(7, 0),
      ]),
    ),
    {
      metadata: {
        ownerReferences: [
          { kind: 'Pod', name: 'p', uid: 'u', apiVersion: 'v1', controller: true, blockOwnerDeletion: false },
        ],
      },
    },
  ],
  [
    'fields that nobody knows',
    namespace(...text(1, 'a'), ...number(99, 7), ...bytes(17, [1, 2, 3]), 0x9d, 0x06, 1, 2, 3, 4),
    { metadata: { name: 'a' } },
  ],
  ['the last of two', namespace(...text(1, 'a'), ...text(1, 'b')), { metadata: { name: 'b' } }],
  [
    'options of a deletion',
    options(...number(1, 0), ...bytes(2, text(1, 'u')), ...text(4, 'Background'), ...text(5, 'All')),
    { gracePeriodSeconds: 0, preconditions: { uid: 'u' }, propagationPolicy: 'Background', dryRun: ['All'] },
  ],
  ['negative numbers', options(...number(1, -1)), { gracePeriodSeconds: -1 }],
  ['no options', options(), {}],
];

const wrong: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['JSON', Buffer.from('{"kind":"Namespace"}')],
  ['a length behind the end', namespace(0x0a, 200, 1)],
  ['a length without end', namespace(0x0a, ...Array.from({ length: 10 }, () => 0xff), 1)],
  ['a negative length', namespace(0x0a, ...varint(-1n))],
  ['a number without end', namespace(0x38, ...Array.from({ length: 20 }, () => 0x80))],
  ['a number that is cut off', namespace(0x38, 0x80)],
  ['a group', namespace(0x0b)],
  ['a number for a text', namespace(...number(1, 7))],
  ['a text for a number', namespace(...text(7, 'x'))],
  ['a text that is no UTF-8', namespace(...bytes(1, [0xff]))],
  ['a time that nobody knows', namespace(...bytes(8, number(1, 1n << 62n)))],
];

describe('protobuf bodies', () => {
  for (const [title, content, expected] of rows) {
    it(title, () => {
      const { apiVersion, kind, ...object } = decodeProtobuf(content) ?? {};
      expect(apiVersion).to.equal('v1');
      expect(kind).to.be.oneOf(['Namespace', 'DeleteOptions']);
      expect(object).to.deep.equal(expected);
    });
  }
  for (const [title, content] of wrong) {
    it(`refuses ${title}`, () => {
      expect(() => decodeProtobuf(content)).to.throw(/malformed protobuf|The encoded data was not valid/);
    });
  }

  it('of other kinds are not read', () => {
    expect(decodeProtobuf(body('v1', 'Secret', text(1, 'x')))).to.equal(undefined);
    expect(decodeProtobuf(body('apps/v1', 'Deployment', []))).to.equal(undefined);
  });

  it('of very many parts are read in no time', () => {
    const names = Array.from({ length: 200_000 }, () => [0x72, 1, 0x61]).flat();
    const read = decodeProtobuf(body('v1', 'Namespace', bytes(1, names)));
    expect((read?.['metadata'] as { finalizers: string[] } | undefined)?.finalizers.length).to.equal(200_000);
  });
});
