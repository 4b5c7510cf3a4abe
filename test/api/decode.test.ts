import { expect } from 'chai';
import { decodeObject, formatPath } from '../../src/api/decode.ts';
import { coreSchema } from './support.ts';

const decode = (value: unknown, kind = 'Pod') => decodeObject(coreSchema(kind), value, kind);
const pod = (spec: unknown, metadata: unknown = { name: 'a' }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec,
});
const withContainer = (fields: object) => pod({ containers: [{ name: 'a', image: 'b', ...fields }] });

/** What is given, and what comes of it. */
const kept: readonly (readonly [string, unknown, unknown])[] = [
  ['nothing but the kind', pod({ containers: [] }), pod({ containers: [] })],
  [
    'labels',
    pod({ containers: [] }, { labels: { a: 'b' } }),
    pod({ containers: [] }, { labels: { a: 'b' } }),
  ],
  ['a null field', withContainer({ command: null }), withContainer({})],
  ['a null object', pod({ containers: [], securityContext: null }), pod({ containers: [] })],
  ['null in a list of texts', withContainer({ args: ['a', null] }), withContainer({ args: ['a', ''] })],
  ['null in a list of objects', pod({ containers: [null] }), pod({ containers: [{}] })],
  [
    'null in a map',
    pod({ containers: [] }, { labels: { a: null } }),
    pod({ containers: [] }, { labels: { a: '' } }),
  ],
  [
    'quantities',
    withContainer({ resources: { limits: { cpu: 0.5, memory: '1024Mi', 'x.y/z': 2 } } }),
    withContainer({ resources: { limits: { cpu: '500m', memory: '1Gi', 'x.y/z': '2' } } }),
  ],
  [
    'times',
    pod({ containers: [] }, { creationTimestamp: '2026-01-01T01:00:00.5+01:00' }),
    pod({ containers: [] }, { creationTimestamp: '2026-01-01T00:00:00Z' }),
  ],
  [
    'a port by number or name',
    withContainer({ livenessProbe: { tcpSocket: { port: 80 }, httpGet: { port: 'web' } } }),
    withContainer({ livenessProbe: { tcpSocket: { port: 80 }, httpGet: { port: 'web' } } }),
  ],
  [
    'fields of which only a type is known',
    pod({ containers: [] }, { managedFields: [{ fieldsV1: { 'f:metadata': { '.': {} } } }] }),
    pod({ containers: [] }, { managedFields: [{ fieldsV1: { 'f:metadata': { '.': {} } } }] }),
  ],
  [
    'names of what every object has',
    pod({ containers: [] }, { labels: { constructor: 'a' } }),
    pod({ containers: [] }, { labels: { constructor: 'a' } }),
  ],
];

/** What is given, and what is told of it. */
const wrong: readonly (readonly [string, unknown, readonly string[]])[] = [
  ['a field too much', pod({ containers: [], containerz: 1 }), ['unknown field "spec.containerz"']],
  [
    'one deep inside',
    withContainer({ prots: [], env: [{ name: 'a', vlaue: 'b' }] }),
    ['unknown field "spec.containers[0].prots"', 'unknown field "spec.containers[0].env[0].vlaue"'],
  ],
  ['one at the top', { ...pod({ containers: [] }), specs: {} }, ['unknown field "specs"']],
  [
    'what every object has',
    pod({ containers: [], constructor: 1, ['__proto__']: {} }),
    ['unknown field "spec.constructor"', 'unknown field "spec.__proto__"'],
  ],
  [
    'a number for a text',
    withContainer({ image: 7 }),
    ['json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string'],
  ],
  [
    'a truth for a text',
    withContainer({ env: [{ name: 'a', value: true }] }),
    ['json: cannot unmarshal bool into Go struct field EnvVar.spec.containers.env.value of type string'],
  ],
  [
    'a text for a number',
    withContainer({ ports: [{ containerPort: '80' }] }),
    [
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
  ],
  [
    'half a port',
    withContainer({ ports: [{ containerPort: 80.5 }] }),
    [
      'json: cannot unmarshal number 80.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
  ],
  [
    'a number out of range',
    withContainer({ ports: [{ containerPort: 2 ** 31 }] }),
    [
      'json: cannot unmarshal number 2147483648 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
  ],
  [
    'one out of a longer range',
    pod({ containers: [], activeDeadlineSeconds: 1e30 }),
    [
      'json: cannot unmarshal number 1e+30 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64',
    ],
  ],
  [
    'a text for a truth',
    pod({ containers: [], hostNetwork: 'yes' }),
    ['json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool'],
  ],
  [
    'an object for a list',
    pod({ containers: {} }),
    ['json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'],
  ],
  [
    'a list for an object',
    pod([]),
    ['json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec'],
  ],
  [
    'a text for a map',
    pod({ containers: [] }, { labels: 'a' }),
    [
      'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
  ],
  [
    'a number in a map',
    pod({ containers: [] }, { labels: { a: 1 } }),
    ['json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels.a of type string'],
  ],
  [
    'a list for a port',
    withContainer({ livenessProbe: { tcpSocket: { port: [] } } }),
    [
      'json: cannot unmarshal array into Go struct field TCPSocketAction.spec.containers.livenessProbe.tcpSocket.port of type string',
    ],
  ],
  [
    'no quantity',
    withContainer({ resources: { limits: { cpu: '1 core' } } }),
    ["quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ],
  [
    'a truth for a quantity',
    withContainer({ resources: { limits: { cpu: true } } }),
    [
      'json: cannot unmarshal bool into Go struct field ResourceRequirements.spec.containers.resources.limits.cpu of type string',
    ],
  ],
  [
    'no time',
    pod({ containers: [] }, { creationTimestamp: 'now' }),
    ['parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as RFC 3339'],
  ],
  [
    'a number for a time',
    pod({ containers: [] }, { creationTimestamp: 0 }),
    [
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
    ],
  ],
  ['a list for all', [], ['json: cannot unmarshal array into Go value of type v1.Pod']],
];

describe('decoding by schema', () => {
  for (const [title, value, expected] of kept) {
    it(`keeps ${title}`, () => expect(decode(value)).to.deep.equal({ value: expected, problems: [] }));
  }
  for (const [title, value, messages] of wrong) {
    it(`tells of ${title}`, () => {
      expect(decode(value).problems.map(({ message }) => message)).to.deep.equal(messages);
    });
  }

  it('drops what it does not know and goes on', () => {
    const { value } = decode(pod({ containers: [], unknown: 1, hostname: 'a' }));
    expect(value).to.deep.equal(pod({ containers: [], hostname: 'a' }));
  });

  it('keeps microseconds where they are meant', () => {
    const event = { eventTime: '2026-01-01T00:00:00.1234567Z', firstTimestamp: '2026-01-01T00:00:00.9Z' };
    expect(decode(event, 'Event').value).to.deep.equal({
      eventTime: '2026-01-01T00:00:00.123456Z',
      firstTimestamp: '2026-01-01T00:00:00Z',
    });
  });

  it('has paths that can be read', () => {
    expect(formatPath(['spec', 'containers', 0, 'env', 12, 'name'])).to.equal(
      'spec.containers[0].env[12].name',
    );
    expect(formatPath([])).to.equal('');
  });
});
