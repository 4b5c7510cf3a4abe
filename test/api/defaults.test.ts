import { expect } from 'chai';
import { defaultPod, defaultPullPolicy } from '../../src/api/defaults.ts';
import type { PodSpec } from '../../src/api/pod.ts';
import { podOf } from './support.ts';

const tolerations = ['not-ready', 'unreachable'].map(state => ({
  key: `node.kubernetes.io/${state}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));
const containerDefaults = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
};
const container = { name: 'a', image: 'a:1', ...containerDefaults };
const spec = {
  containers: [container],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
  tolerations,
  enableServiceLinks: true,
};

const given = { containers: [{ name: 'a', image: 'a:1' }] };
const withContainer = (fields: object) => ({ containers: [{ name: 'a', image: 'a:1', ...fields }] });
const containerWith = (fields: object) => ({ ...spec, containers: [{ ...container, ...fields }] });
const probeDefaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

/** What is given, and what is made of it. */
const rows: readonly (readonly [string, object, object])[] = [
  ['the least', given, spec],
  ['what is given in full', spec, spec],
  [
    'texts that are empty',
    { ...withContainer({ imagePullPolicy: '' }), restartPolicy: '', dnsPolicy: '', schedulerName: '' },
    spec,
  ],
  [
    'what is given otherwise',
    {
      ...given,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      dnsPolicy: 'None',
      schedulerName: 'x',
      enableServiceLinks: false,
      securityContext: { runAsUser: 0 },
    },
    {
      ...spec,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      dnsPolicy: 'None',
      schedulerName: 'x',
      enableServiceLinks: false,
      securityContext: { runAsUser: 0 },
    },
  ],
  ['no containers', {}, { ...spec, containers: [] }],
  [
    'ports',
    withContainer({ ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP', hostPort: 5353 }] }),
    containerWith({
      ports: [
        { containerPort: 80, protocol: 'TCP' },
        { containerPort: 53, protocol: 'UDP', hostPort: 5353 },
      ],
    }),
  ],
  [
    'ports of the host network',
    {
      ...withContainer({ ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 0 }] }),
      hostNetwork: true,
    },
    {
      ...containerWith({
        ports: [
          { containerPort: 80, hostPort: 80, protocol: 'TCP' },
          { containerPort: 81, hostPort: 81, protocol: 'TCP' },
        ],
      }),
      hostNetwork: true,
    },
  ],
  [
    'fields of the pod as variables',
    withContainer({
      env: [
        { name: 'A', value: 'b' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
    }),
    containerWith({
      env: [
        { name: 'A', value: 'b' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name', apiVersion: 'v1' } } },
      ],
    }),
  ],
  [
    'requests from limits',
    withContainer({ resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } }),
    containerWith({
      resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
    }),
  ],
  [
    'requests without limits',
    withContainer({ resources: { requests: { cpu: '500m' } } }),
    containerWith({ resources: { requests: { cpu: '500m' } } }),
  ],
  [
    'probes',
    withContainer({
      livenessProbe: { httpGet: { port: 80, path: '' } },
      readinessProbe: { exec: { command: ['a'] }, timeoutSeconds: 5, periodSeconds: 0, failureThreshold: 1 },
      startupProbe: { grpc: { port: 80 } },
    }),
    containerWith({
      livenessProbe: { httpGet: { port: 80, path: '/', scheme: 'HTTP' }, ...probeDefaults },
      readinessProbe: { exec: { command: ['a'] }, ...probeDefaults, timeoutSeconds: 5, failureThreshold: 1 },
      startupProbe: { grpc: { port: 80, service: '' }, ...probeDefaults },
    }),
  ],
  [
    'hooks',
    withContainer({
      lifecycle: { preStop: { httpGet: { port: 80, scheme: 'HTTPS' } }, postStart: { exec: {} } },
    }),
    containerWith({
      lifecycle: { preStop: { httpGet: { port: 80, path: '/', scheme: 'HTTPS' } }, postStart: { exec: {} } },
    }),
  ],
  [
    'init containers',
    { ...given, initContainers: [{ name: 'b', image: 'b' }] },
    { ...spec, initContainers: [{ name: 'b', image: 'b', ...containerDefaults, imagePullPolicy: 'Always' }] },
  ],
  [
    'volumes',
    {
      ...given,
      volumes: [
        { name: 'a' },
        { name: 'b', hostPath: { path: '/b' } },
        { name: 'c', emptyDir: { medium: 'Memory' } },
      ],
    },
    {
      ...spec,
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', hostPath: { path: '/b', type: '' } },
        { name: 'c', emptyDir: { medium: 'Memory' } },
      ],
    },
  ],
  [
    'one of the two tolerations',
    {
      ...given,
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    },
    {
      ...spec,
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        tolerations[1],
      ],
    },
  ],
  [
    'a toleration of everything',
    { ...given, tolerations: [{ operator: 'Exists' }] },
    { ...spec, tolerations: [{ operator: 'Exists' }] },
  ],
  [
    'a toleration of another effect',
    {
      ...given,
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' }],
    },
    {
      ...spec,
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' },
        ...tolerations,
      ],
    },
  ],
];

const policies: readonly (readonly [string, string])[] = [
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['registry.example:5000/nginx', 'Always'],
  ['nginx:1.22', 'IfNotPresent'],
  [`nginx@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  [`nginx:latest@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  // It is stored all the same; its container waits with InvalidImageName.
  ['NGINX', 'IfNotPresent'],
  ['', 'IfNotPresent'],
];

describe('defaults of pods', () => {
  for (const [title, value, expected] of rows) {
    it(title, () => {
      const pod = defaultPod(podOf(value));
      expect(pod.spec).to.deep.equal(expected);
      expect(defaultPod(pod)).to.deep.equal(pod);
    });
  }

  it('a pod without a spec', () => {
    const { spec: _, ...bare } = podOf({});
    expect(defaultPod({ ...bare, spec: undefined as unknown as PodSpec }).spec.containers).to.deep.equal([]);
  });

  for (const [image, policy] of policies) {
    it(`pull policy of ${JSON.stringify(image.slice(0, 30))}: ${policy}`, () => {
      expect(defaultPullPolicy(image)).to.equal(policy);
    });
  }
});
