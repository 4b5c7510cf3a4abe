import { expect } from 'chai';
import type { JsonValue } from '../../../src/api/patch/json-value.ts';
import { threeWayMerge } from '../../../src/api/patch/three-way-merge.ts';
import { coreSchema } from '../support.ts';

const spec = (fields: JsonValue): JsonValue => ({ spec: fields });
const containers = (...list: JsonValue[]) => spec({ containers: list });
const labels = (map: JsonValue): JsonValue => ({ metadata: { labels: map } });
const a = { name: 'a', image: '1' };

/** What was applied last time, what is wanted, what is there, and what comes of it. */
const rows: readonly (readonly [string, JsonValue | undefined, JsonValue, JsonValue, JsonValue])[] = [
  [
    'what others set stays',
    containers(a),
    containers(a),
    containers({ ...a, imagePullPolicy: 'Always' }),
    containers({ ...a, imagePullPolicy: 'Always' }),
  ],
  [
    'what changed is changed',
    containers(a),
    containers({ ...a, image: '2' }),
    containers({ ...a, args: ['x'] }),
    containers({ ...a, image: '2', args: ['x'] }),
  ],
  [
    'what is no longer wanted goes',
    containers({ ...a, args: ['x'] }),
    containers(a),
    containers({ ...a, args: ['x'], tty: true }),
    containers({ ...a, tty: true }),
  ],
  [
    'what was never applied stays',
    undefined,
    containers(a),
    containers({ ...a, args: ['x'] }),
    containers({ ...a, args: ['x'] }),
  ],
  [
    'labels',
    labels({ a: '1', b: '2' }),
    labels({ a: '3' }),
    labels({ a: '1', b: '2', other: 'x' }),
    labels({ a: '3', other: 'x' }),
  ],
  [
    'a label that another has changed',
    labels({ a: '1' }),
    labels({ a: '1' }),
    labels({ a: '9' }),
    labels({ a: '1' }),
  ],
  ['null takes away', undefined, labels({ a: null }), labels({ a: '1', b: '2' }), labels({ b: '2' })],
  [
    'an entry that another has added',
    containers(a),
    containers(a),
    containers(a, { name: 'injected' }),
    containers(a, { name: 'injected' }),
  ],
  [
    'an entry that is no longer wanted',
    containers(a, { name: 'b' }),
    containers(a),
    containers(a, { name: 'b', image: '1' }),
    containers(a),
  ],
  [
    'an entry that is new',
    containers(a),
    containers(a, { name: 'b' }),
    containers(a),
    containers(a, { name: 'b' }),
  ],
  [
    'another order',
    containers(a, { name: 'b' }),
    containers({ name: 'b' }, a),
    containers(a, { name: 'b' }),
    containers({ name: 'b' }, a),
  ],
  [
    'a list as a whole',
    containers({ ...a, args: ['x'] }),
    containers({ ...a, args: ['y'] }),
    containers({ ...a, args: ['x', 'z'] }),
    containers({ ...a, args: ['y'] }),
  ],
  [
    'a set',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { finalizers: ['a'] } },
    { metadata: { finalizers: ['a', 'b', 'other'] } },
    { metadata: { finalizers: ['a', 'other'] } },
  ],
  [
    'another kind of volume',
    spec({ volumes: [{ name: 'v', emptyDir: {} }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    spec({ volumes: [{ name: 'v', emptyDir: {} }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
  ],
  [
    'another kind than the one that the server has chosen',
    spec({ volumes: [{ name: 'v' }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    spec({ volumes: [{ name: 'v', emptyDir: {} }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
  ],
  [
    'one port of two protocols',
    containers({ ...a, ports: [{ containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }] }),
    containers({
      ...a,
      ports: [
        { containerPort: 53, protocol: 'UDP' },
        { containerPort: 53, protocol: 'TCP' },
      ],
    }),
    containers({
      ...a,
      ports: [
        { containerPort: 53, protocol: 'UDP' },
        { containerPort: 53, protocol: 'TCP' },
      ],
    }),
    containers({
      ...a,
      ports: [
        { containerPort: 53, protocol: 'UDP' },
        { containerPort: 53, protocol: 'TCP' },
      ],
    }),
  ],
  [
    'an annotation that was no object',
    'x',
    containers(a),
    containers({ ...a, tty: true }),
    containers({ ...a, tty: true }),
  ],
];

describe('three-way merge', () => {
  for (const [title, original, wanted, current, result] of rows) {
    it(title, () => {
      const merged = threeWayMerge({ original, wanted, current }, coreSchema('Pod'));
      expect(merged).to.deep.equal(result);
      // Applied once more, it comes to nothing.
      const again = threeWayMerge({ original: wanted, wanted, current: merged }, coreSchema('Pod'));
      expect(again).to.deep.equal(merged);
    });
  }
});
