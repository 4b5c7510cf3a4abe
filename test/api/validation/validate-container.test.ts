import { expect } from 'chai';
import { defaultPod } from '../../../src/api/defaults.ts';
import { validatePod } from '../../../src/api/validation/validate-pod.ts';
import { podOf, textsOf } from '../support.ts';

const first = { name: 'a', image: 'a:1' };
const with1 = (fields: object) => ({ containers: [{ ...first, ...fields }] });
const ports = (...list: readonly object[]) => with1({ ports: list });
const env = (...list: readonly object[]) => with1({ env: list });
const pod = (fields: object) => ({ containers: [first], ...fields });
const mounts = (...list: readonly object[]) =>
  pod({ ...with1({ volumeMounts: list }), volumes: [{ name: 'v' }] });
const probe = (fields: object, name = 'livenessProbe') =>
  with1({ [name]: { exec: { command: ['x'] }, ...fields } });
const at = 'spec.containers[0]';
const range = 'must be between 1 and 65535, inclusive';
const positive = 'must be greater than or equal to 0';
const sidecarsOnly = 'Forbidden: may not be set for init containers without restartPolicy=Always';

/** A spec, and what is said of it. */
const wrong: readonly (readonly [string, object, readonly string[]])[] = [
  ['no port', ports({ name: 'a' }), [`${at}.ports[0].containerPort: Required value`]],
  [
    'a port too great',
    ports({ containerPort: 65_536 }),
    [`${at}.ports[0].containerPort: Invalid value: 65536: ${range}`],
  ],
  [
    'a negative port',
    ports({ containerPort: 1, hostPort: -1 }),
    [`${at}.ports[0].hostPort: Invalid value: -1: ${range}`],
  ],
  [
    'a protocol',
    ports({ containerPort: 1, protocol: 'tcp' }),
    [`${at}.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`],
  ],
  [
    "a port's name",
    ports({ containerPort: 1, name: '-1--Port-that-is-long' }),
    [
      'must be no more than 15 characters',
      'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'must not contain consecutive hyphens',
      'must not begin or end with a hyphen',
    ].map(why => `${at}.ports[0].name: Invalid value: "-1--Port-that-is-long": ${why}`),
  ],
  [
    "a port's name of digits",
    ports({ containerPort: 1, name: '80' }),
    [`${at}.ports[0].name: Invalid value: "80": must contain at least one letter (a-z)`],
  ],
  [
    'two ports of one name',
    ports({ containerPort: 1, name: 'a' }, { containerPort: 2, name: 'a' }),
    [`${at}.ports[1].name: Duplicate value: "a"`],
  ],
  [
    'a port of the host twice',
    {
      containers: [
        { ...first, ports: [{ containerPort: 1, hostPort: 80 }] },
        { name: 'b', image: 'b', ports: [{ containerPort: 2, hostPort: 80 }] },
      ],
    },
    ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
  ],
  [
    'another port in the host network',
    pod({ ...ports({ containerPort: 80, hostPort: 81 }), hostNetwork: true }),
    [`${at}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`],
  ],
  ['a variable without a name', env({ value: 'a' }), [`${at}.env[0].name: Required value`]],
  [
    "a variable's name",
    env({ name: 'a=b' }),
    [
      `${at}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
  ],
  [
    'a variable from nowhere',
    env({ name: 'A', valueFrom: {} }),
    [
      `${at}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
    ],
  ],
  [
    'a variable from two places',
    env({ name: 'A', valueFrom: { configMapKeyRef: { key: 'a' }, secretKeyRef: { key: 'a' } } }),
    [`${at}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`],
  ],
  [
    'a variable with a value besides',
    env({ name: 'A', value: 'b', valueFrom: { secretKeyRef: { key: 'a' } } }),
    [`${at}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
  ],
  [
    'an unknown field',
    env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.foo' } } }),
    [
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.foo": error converting fieldPath: field label not supported: metadata.foo`,
    ],
  ],
  [
    'all labels',
    env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }),
    [
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
    ],
  ],
  [
    'no field',
    env({ name: 'A', valueFrom: { fieldRef: {} } }),
    [`${at}.env[0].valueFrom.fieldRef.fieldPath: Required value`],
  ],
  [
    'a mount of nothing',
    mounts({}),
    [
      `${at}.volumeMounts[0].name: Required value`,
      `${at}.volumeMounts[0].name: Not found: ""`,
      `${at}.volumeMounts[0].mountPath: Required value`,
    ],
  ],
  [
    'a mount of no volume',
    mounts({ name: 'w', mountPath: '/a' }),
    [`${at}.volumeMounts[0].name: Not found: "w"`],
  ],
  [
    'two mounts at one place',
    mounts({ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/a' }),
    [`${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`],
  ],
  [
    'a subPath out of the volume',
    mounts({ name: 'v', mountPath: '/a', subPath: '/b/../c' }),
    [
      `${at}.volumeMounts[0].subPath: Invalid value: "/b/../c": must be a relative path`,
      `${at}.volumeMounts[0].subPath: Invalid value: "/b/../c": must not contain '..'`,
    ],
  ],
  [
    'a negative amount',
    with1({ resources: { requests: { cpu: '-1' } } }),
    [`${at}.resources.requests[cpu]: Invalid value: "-1": ${positive}`],
  ],
  [
    'more than the limit',
    with1({ resources: { limits: { memory: '1Gi' }, requests: { memory: '1025Mi' } } }),
    [`${at}.resources.requests: Invalid value: "1025Mi": must be less than or equal to memory limit of 1Gi`],
  ],
  [
    'no resource',
    with1({ resources: { limits: { cpus: '1' } } }),
    ['limits', 'requests'].map(
      list =>
        `${at}.resources.${list}[cpus]: Invalid value: "cpus": must be a standard resource for containers`,
    ),
  ],
  [
    'a probe of nothing',
    with1({ livenessProbe: {} }),
    [`${at}.livenessProbe: Required value: must specify a handler type`],
  ],
  [
    'a probe of two kinds',
    probe({ tcpSocket: { port: 1 } }),
    [`${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
  ],
  ['a probe without a command', probe({ exec: {} }), [`${at}.livenessProbe.exec.command: Required value`]],
  [
    "a probe's port",
    with1({ livenessProbe: { httpGet: { port: 0, scheme: 'ftp' } } }),
    [
      `${at}.livenessProbe.httpGet.port: Invalid value: 0: ${range}`,
      `${at}.livenessProbe.httpGet.scheme: Unsupported value: "ftp": supported values: "HTTP", "HTTPS"`,
    ],
  ],
  [
    "a probe's port name",
    with1({ livenessProbe: { tcpSocket: { port: 'a_b' } } }),
    [
      `${at}.livenessProbe.tcpSocket.port: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
    ],
  ],
  [
    "a probe's numbers",
    probe({ periodSeconds: -1, successThreshold: 2 }),
    [
      `${at}.livenessProbe.periodSeconds: Invalid value: -1: ${positive}`,
      `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
  ],
  [
    'a grace period of a probe',
    probe({ terminationGracePeriodSeconds: 0 }),
    [`${at}.livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`],
  ],
  [
    'one where it means nothing',
    probe({ terminationGracePeriodSeconds: 1 }, 'readinessProbe'),
    [
      `${at}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`,
    ],
  ],
  [
    'a hook of nothing',
    with1({ lifecycle: { preStop: {} } }),
    [`${at}.lifecycle.preStop: Required value: must specify a handler type`],
  ],
  [
    'probes of an init container',
    pod({ initContainers: [{ name: 'b', image: 'b', livenessProbe: {}, lifecycle: {} }] }),
    [
      `spec.initContainers[0].lifecycle: ${sidecarsOnly}`,
      `spec.initContainers[0].livenessProbe: ${sidecarsOnly}`,
    ],
  ],
];

describe('validation of containers', () => {
  for (const [title, spec, texts] of wrong) {
    it(`refuses ${title}`, () => {
      expect(textsOf(validatePod(defaultPod(podOf(spec))))).to.deep.equal(texts);
    });
  }
});
