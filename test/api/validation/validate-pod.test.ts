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
const at = 'spec.containers[0]';
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const ids = 'must be between 0 and 2147483647, inclusive';
const positive = 'must be greater than or equal to 0';
const ip = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

const good: readonly (readonly [string, object])[] = [
  ['the least', pod({})],
  ['an init container', pod({ initContainers: [{ name: 'b', image: 'b' }] })],
  [
    'a sidecar with a probe',
    pod({
      initContainers: [
        { name: 'b', image: 'b', restartPolicy: 'Always', startupProbe: { exec: { command: ['x'] } } },
      ],
    }),
  ],
  [
    'ports',
    ports({ containerPort: 1 }, { containerPort: 65_535, hostPort: 80, name: 'web', protocol: 'SCTP' }),
  ],
  [
    'the same port of two protocols',
    ports({ containerPort: 53, hostPort: 53 }, { containerPort: 53, hostPort: 53, protocol: 'UDP' }),
  ],
  [
    'the same port of two addresses',
    ports(
      { containerPort: 80, hostPort: 80, hostIP: '127.0.0.1' },
      { containerPort: 81, hostPort: 80, hostIP: '127.0.0.2' },
    ),
  ],
  ['variables with odd names', env({ name: 'a.b-c d/e' }, { name: '0' })],
  [
    'variables of fields',
    env({ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a/b']" } } }),
  ],
  ['mounts', mounts({ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/b', subPath: 'c/..d' })],
  [
    'resources',
    with1({
      resources: {
        limits: { cpu: '0.7', memory: '1Gi', 'example.com/gpu': '1', 'hugepages-2Mi': '0' },
        requests: { cpu: '700m' },
      },
    }),
  ],
  [
    'probes',
    with1({
      readinessProbe: { httpGet: { port: 'web' }, successThreshold: 3 },
      livenessProbe: { grpc: { port: 9 } },
    }),
  ],
  [
    'hooks',
    with1({ lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { tcpSocket: { port: 1 } } } }),
  ],
  [
    'an own DNS',
    pod({
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['::1'], searches: ['a.b.'], options: [{ name: 'ndots' }] },
    }),
  ],
  [
    'tolerations',
    pod({ tolerations: [{ operator: 'Exists' }, { key: 'a', value: 'b', effect: 'NoSchedule' }] }),
  ],
  [
    'names',
    pod({
      hostname: 'a',
      subdomain: 'b',
      nodeName: 'n.example',
      serviceAccountName: 'default',
      nodeSelector: { 'a/b': 'c' },
    }),
  ],
  ['aliases', pod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['a.b'] }] })],
];

/** A spec, and what is said of it. */
const wrong: readonly (readonly [string, object, readonly string[]])[] = [
  ['no containers', { containers: [] }, ['spec.containers: Required value']],
  ['no name', { containers: [{ image: 'a' }] }, [`${at}.name: Required value`]],
  [
    'a wrong name',
    { containers: [{ name: 'A', image: 'a' }] },
    [`${at}.name: Invalid value: "A": ${labelText}`],
  ],
  [
    'a name with dots',
    { containers: [{ name: 'a.b', image: 'a' }] },
    [`${at}.name: Invalid value: "a.b": must not contain dots`],
  ],
  ['two of one name', { containers: [first, first] }, ['spec.containers[1].name: Duplicate value: "a"']],
  [
    'an init container of that name',
    pod({ initContainers: [first] }),
    ['spec.initContainers[0].name: Duplicate value: "a"'],
  ],
  ['no image', { containers: [{ name: 'a' }] }, [`${at}.image: Required value`]],
  [
    'an image with a blank',
    with1({ image: ' a' }),
    [`${at}.image: Invalid value: " a": must not have leading or trailing whitespace`],
  ],
  ['a null container', { containers: [null] }, [`${at}.name: Required value`, `${at}.image: Required value`]],
  [
    'a pull policy',
    with1({ imagePullPolicy: 'Sometimes' }),
    [
      `${at}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`,
    ],
  ],
  [
    'a message policy',
    with1({ terminationMessagePolicy: 'x' }),
    [
      `${at}.terminationMessagePolicy: Unsupported value: "x": supported values: "FallbackToLogsOnError", "File"`,
    ],
  ],
  [
    'a restart policy of a container',
    with1({ restartPolicy: 'Always' }),
    [`${at}.restartPolicy: Forbidden: may not be set for non-init containers`],
  ],
  [
    'a restart policy of an init container',
    pod({ initContainers: [{ name: 'b', image: 'b', restartPolicy: 'Never' }] }),
    ['spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  [
    'a restart policy',
    pod({ restartPolicy: 'sometimes' }),
    ['spec.restartPolicy: Unsupported value: "sometimes": supported values: "Always", "Never", "OnFailure"'],
  ],
  [
    'ephemeral containers',
    pod({ ephemeralContainers: [{ name: 'e', image: 'e' }] }),
    ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
  ['a volume without a name', pod({ volumes: [{ emptyDir: {} }] }), ['spec.volumes[0].name: Required value']],
  [
    "a volume's name",
    pod({ volumes: [{ name: 'A' }] }),
    [`spec.volumes[0].name: Invalid value: "A": ${labelText}`],
  ],
  [
    'two volumes of one name',
    pod({ volumes: [{ name: 'v' }, { name: 'v' }] }),
    ['spec.volumes[1].name: Duplicate value: "v"'],
  ],
  [
    'a volume of two kinds',
    pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'a volume of negative size',
    pod({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '-1' } }] }),
    ['spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity'],
  ],
  [
    'no path',
    pod({ volumes: [{ name: 'v', hostPath: {} }] }),
    ['spec.volumes[0].hostPath.path: Required value'],
  ],
  [
    'a path that leads elsewhere',
    pod({ volumes: [{ name: 'v', hostPath: { path: '/a/../b' } }] }),
    ['spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\''],
  ],
  [
    'a type of path',
    pod({ volumes: [{ name: 'v', hostPath: { path: '/a', type: 'dir' } }] }),
    [
      'spec.volumes[0].hostPath.type: Unsupported value: "dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    'users',
    with1({ securityContext: { runAsUser: -1, runAsGroup: 2 ** 31 } }),
    [
      `${at}.securityContext.runAsUser: Invalid value: -1: ${ids}`,
      `${at}.securityContext.runAsGroup: Invalid value: 2147483648: ${ids}`,
    ],
  ],
  [
    'groups',
    pod({ securityContext: { fsGroup: -1, supplementalGroups: [0, -2] } }),
    [
      `spec.securityContext.fsGroup: Invalid value: -1: ${ids}`,
      `spec.securityContext.supplementalGroups[1]: Invalid value: -2: ${ids}`,
    ],
  ],
  [
    'privilege without escalation',
    with1({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    [
      `${at}.securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
    ],
  ],
  [
    'sysctls',
    pod({
      securityContext: { sysctls: [{ name: 'a', value: '1' }, { name: 'a', value: '2' }, { value: '3' }] },
    }),
    [
      'spec.securityContext.sysctls[1].name: Duplicate value: "a"',
      'spec.securityContext.sysctls[2].name: Required value',
    ],
  ],
  [
    'two ways to share processes',
    pod({ shareProcessNamespace: true, hostPID: true }),
    [
      'spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
  ],
  [
    'a DNS policy',
    pod({ dnsPolicy: 'none' }),
    [
      'spec.dnsPolicy: Unsupported value: "none": supported values: "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"',
    ],
  ],
  [
    'no DNS at all',
    pod({ dnsPolicy: 'None' }),
    ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  ],
  [
    'no DNS server',
    pod({ dnsPolicy: 'None', dnsConfig: { searches: ['a'] } }),
    [
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
    ],
  ],
  [
    'wrong DNS fields',
    pod({ dnsConfig: { nameservers: ['a'], searches: ['A'], options: [{}] } }),
    [
      `spec.dnsConfig.nameservers[0]: Invalid value: "a": ${ip}`,
      `spec.dnsConfig.searches[0]: Invalid value: "A": ${subdomainText}`,
      'spec.dnsConfig.options[0]: Required value: must not be empty',
    ],
  ],
  [
    'too many DNS servers',
    pod({ dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } }),
    [
      'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
    ],
  ],
  [
    'a deadline',
    pod({ activeDeadlineSeconds: 0 }),
    ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  ],
  [
    'a grace period',
    pod({ terminationGracePeriodSeconds: -1 }),
    [`spec.terminationGracePeriodSeconds: Invalid value: -1: ${positive}`],
  ],
  [
    'a host name',
    pod({ hostname: 'a.b', nodeName: 'N' }),
    [
      'spec.hostname: Invalid value: "a.b": must not contain dots',
      `spec.nodeName: Invalid value: "N": ${subdomainText}`,
    ],
  ],
  [
    'aliases',
    pod({ hostAliases: [{ ip: 'a', hostnames: ['B'] }, {}] }),
    [
      `spec.hostAliases[0].ip: Invalid value: "a": ${ip}`,
      `spec.hostAliases[0].hostnames[0]: Invalid value: "B": ${subdomainText}`,
      `spec.hostAliases[1].ip: Invalid value: "": ${ip}`,
    ],
  ],
  [
    'a selector of nodes',
    pod({ nodeSelector: { a: '-' } }),
    [
      "spec.nodeSelector: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ],
  [
    'a toleration of no key',
    pod({ tolerations: [{ value: 'a' }] }),
    [
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    "a toleration's operator and effect",
    pod({ tolerations: [{ key: 'a', operator: 'Like', effect: 'Never' }] }),
    [
      'spec.tolerations[0].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
      'spec.tolerations[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
    ],
  ],
  [
    'seconds of another effect',
    pod({ tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 1 }] }),
    [
      'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
  ],
  [
    'a value of Exists',
    pod({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }),
    [
      'spec.tolerations[0].operator: Invalid value: {"key":"a","operator":"Exists","value":"b"}: value must be empty when `operator` is \'Exists\'',
    ],
  ],
];

describe('validation of pods', () => {
  for (const [title, spec] of good) {
    it(`takes ${title}`, () => expect(textsOf(validatePod(defaultPod(podOf(spec))))).to.deep.equal([]));
  }
  for (const [title, spec, texts] of wrong) {
    it(`refuses ${title}`, () => {
      expect(textsOf(validatePod(defaultPod(podOf(spec))))).to.deep.equal(texts);
    });
  }
});
