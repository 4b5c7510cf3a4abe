import { expect } from 'chai';
import type { JsonValue } from '../../../src/api/patch/json-value.ts';
import { applyStrategicMerge } from '../../../src/api/patch/strategic-merge.ts';
import { coreSchema, statusThrownBy } from '../support.ts';

const apply = (target: JsonValue, patch: JsonValue) => applyStrategicMerge(target, patch, coreSchema('Pod'));
const spec = (fields: JsonValue) => ({ spec: fields });
const containers = (...list: JsonValue[]) => spec({ containers: list });
const a = { name: 'a', image: '1' };
const b = { name: 'b', image: '1' };

/** Target, patch, result. */
const rows: readonly (readonly [string, JsonValue, JsonValue, JsonValue])[] = [
  ['a field', spec({ hostname: 'a' }), spec({ subdomain: 'b' }), spec({ hostname: 'a', subdomain: 'b' })],
  ['null', spec({ hostname: 'a', subdomain: 'b' }), spec({ hostname: null }), spec({ subdomain: 'b' })],
  ['nothing', containers(a), {}, containers(a)],
  [
    'a map',
    { metadata: { labels: { a: '1', b: '2' } } },
    { metadata: { labels: { a: null, c: '3' } } },
    { metadata: { labels: { b: '2', c: '3' } } },
  ],
  [
    'an entry by its key',
    containers(a, b),
    containers({ name: 'b', image: '2' }),
    containers(a, { name: 'b', image: '2' }),
  ],
  ['an entry that is new', containers(a), containers(b), containers(a, b)],
  [
    'an entry inside an entry',
    containers({ ...a, ports: [{ containerPort: 80 }] }),
    containers({ name: 'a', ports: [{ containerPort: 80, hostPort: 8080 }] }),
    containers({ ...a, ports: [{ containerPort: 80, hostPort: 8080 }] }),
  ],
  ['an entry less', containers(a, b), containers({ name: 'a', $patch: 'delete' }), containers(b)],
  [
    'an entry less that was never there',
    containers(a),
    containers({ name: 'c', $patch: 'delete' }),
    containers(a),
  ],
  [
    'all entries',
    containers(a, b),
    containers({ $patch: 'replace' }, { name: 'c' }),
    containers({ name: 'c' }),
  ],
  ['an entry, said twice', containers(a), containers({ ...b, $patch: 'merge' }), containers(a, b)],
  [
    'an entry as a whole',
    containers({ ...a, args: ['x'] }),
    containers({ name: 'a', image: '2', $patch: 'replace' }, { name: 'd' }),
    containers({ name: 'd' }),
  ],
  [
    'a list as a whole',
    containers({ ...a, args: ['x', 'y'] }),
    containers({ name: 'a', args: ['z'] }),
    containers({ ...a, args: ['z'] }),
  ],
  [
    'a list without a key',
    spec({ tolerations: [{ key: 'a' }] }),
    spec({ tolerations: [{ key: 'b' }] }),
    spec({ tolerations: [{ key: 'b' }] }),
  ],
  [
    'a set',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { finalizers: ['b', 'c'] } },
    { metadata: { finalizers: ['a', 'b', 'c'] } },
  ],
  [
    'a set less a value',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
    { metadata: { finalizers: ['b', 'c'] } },
  ],
  [
    'a set in an order',
    { metadata: { finalizers: ['a', 'b', 'c'] } },
    { metadata: { '$setElementOrder/finalizers': ['c', 'a'] } },
    { metadata: { finalizers: ['b', 'c', 'a'] } },
  ],
  [
    'entries in an order',
    containers(a, b),
    spec({ '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }),
    containers(b, a),
  ],
  [
    'an order with a new entry',
    containers(a, b),
    spec({
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }, { name: 'b' }],
      containers: [{ name: 'c' }],
    }),
    containers({ name: 'c' }, a, b),
  ],
  [
    'an order of nothing that is there',
    spec({}),
    spec({ '$setElementOrder/containers': [{ name: 'a' }] }),
    spec({}),
  ],
  [
    'what kubectl edit sends',
    containers({ ...a, ports: [{ containerPort: 80 }, { containerPort: 81 }] }),
    spec({
      '$setElementOrder/containers': [{ name: 'a' }],
      containers: [
        {
          name: 'a',
          '$setElementOrder/ports': [{ containerPort: 81 }],
          ports: [
            { containerPort: 81, hostPort: 8080 },
            { containerPort: 80, $patch: 'delete' },
          ],
        },
      ],
    }),
    containers({ ...a, ports: [{ containerPort: 81, hostPort: 8080 }] }),
  ],
  [
    'only the named fields',
    spec({ volumes: [{ name: 'v', emptyDir: {} }] }),
    spec({ volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
  ],
  [
    'a map as a whole',
    spec({ nodeSelector: { a: '1' } }),
    spec({ nodeSelector: { b: '2', $patch: 'replace' } }),
    spec({ nodeSelector: { b: '2' } }),
  ],
  [
    'a map away',
    spec({ nodeSelector: { a: '1' } }),
    spec({ nodeSelector: { $patch: 'delete' } }),
    spec({ nodeSelector: {} }),
  ],
  [
    'where nothing was',
    {},
    containers({
      name: 'a',
      ports: [{ containerPort: 1 }, { containerPort: 2, $patch: 'delete' }],
      image: null,
    }),
    containers({ name: 'a', ports: [{ containerPort: 1 }] }),
  ],
  ['a list over a text', spec({ containers: 'x' }), containers(a), containers(a)],
  ['a field that nobody knows', spec({ x: [1] }), spec({ x: [2] }), spec({ x: [2] })],
];

describe('strategic merge patch', () => {
  for (const [title, target, patch, result] of rows) {
    it(title, () => {
      const before = structuredClone(target);
      expect(apply(target, patch)).to.deep.equal(result);
      expect(target).to.deep.equal(before);
    });
  }

  it('refuses an entry without its key, and a direction that nobody knows', () => {
    expect(statusThrownBy(() => apply(containers(a), containers({ image: '2' })))).to.include({
      code: 400,
      message: 'map: {"image":"2"} does not contain declared merge key: name',
    });
    expect(statusThrownBy(() => apply(containers(a), spec({ $patch: 'x' })))).to.include({
      code: 400,
      message: 'Unknown patch type found: "x"',
    });
  });

  it('changes nothing that every object has', () => {
    const patch = JSON.parse('{"metadata":{"labels":{"__proto__":{"polluted":true}}}}') as JsonValue;
    apply({ metadata: { labels: {} } }, patch);
    expect('polluted' in {}).to.equal(false);
  });
});
