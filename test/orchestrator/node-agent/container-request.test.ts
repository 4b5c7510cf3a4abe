import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Container, EnvVar, Pod } from '../../../src/api/pod.ts';
import {
  containerEnvironment,
  fieldValue,
} from '../../../src/orchestrator/node-agent/container-environment.ts';
import {
  containerRequest,
  resourcesOf,
  userOf,
} from '../../../src/orchestrator/node-agent/container-request.ts';
import type { ImageInfo } from '../../../src/orchestrator/node-agent/pod-runtime.ts';
import { podOf } from './fake-agent.ts';

const place = { hostIP: '192.0.2.1', podIP: '10.89.0.7' };
const plain: ImageInfo = { reference: 'app:1', id: 'sha256:1' };

function messageOf(work: () => unknown): string {
  try {
    return JSON.stringify(work());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('node agent: the environment of a container', () => {
  const environment = (env: readonly EnvVar[], pod: Pod = podOf()) =>
    [...containerEnvironment({ name: 'app', image: 'app:1', env }, pod, place)].map(([k, v]) => `${k}=${v}`);

  it('expands variables that come before', () => {
    const env = [
      { name: 'LATER', value: '$(HOST):$(PORT)' },
      { name: 'HOST', value: 'db' },
      { name: 'PORT', value: '1' },
      { name: 'URL', value: 'http://$(HOST):$(PORT)/$$(HOST)' },
      { name: 'EMPTY' },
    ];
    expect(environment(env)).to.deep.equal([
      'LATER=$(HOST):$(PORT)',
      'HOST=db',
      'PORT=1',
      'URL=http://db:1/$(HOST)',
      'EMPTY=',
    ]);
  });

  it('takes the last of two with one name, which may use the first', () => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'A', value: '$(A)2' },
    ];
    expect(environment(env)).to.deep.equal(['A=12']);
  });

  it('has fields of the pod, for later variables too', () => {
    const env = [
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'URL', value: 'http://$(IP)' },
    ];
    expect(environment(env)).to.deep.equal(['IP=10.89.0.7', 'URL=http://10.89.0.7']);
  });

  const labelled: Pod = {
    ...podOf({ serviceAccountName: 'builder' }),
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'uid-web',
      labels: { b: '2', a: 'o"ne' },
      annotations: { 'example.com/note': 'x' },
    },
  };
  const fields: readonly (readonly [string, string])[] = [
    ['metadata.name', 'web'],
    ['metadata.namespace', 'shop'],
    ['metadata.uid', 'uid-web'],
    ["metadata.labels['b']", '2'],
    ["metadata.labels['none']", ''],
    ["metadata.labels['toString']", ''],
    ["metadata.annotations['example.com/note']", 'x'],
    ['metadata.labels', 'a="o\\"ne"\nb="2"'],
    ['metadata.annotations', 'example.com/note="x"'],
    ['spec.nodeName', 'node-1'],
    ['spec.serviceAccountName', 'builder'],
    ['status.podIP', '10.89.0.7'],
    ['status.podIPs', '10.89.0.7'],
    ['status.hostIP', '192.0.2.1'],
    ['status.hostIPs', '192.0.2.1'],
  ];
  for (const [path, expected] of fields) {
    it(`fieldRef ${path}`, () => expect(fieldValue(labelled, path, place)).to.equal(expected));
  }
  for (const path of ['spec', 'metadata.toString', 'constructor', 'metadata.labels[a]', '']) {
    it(`fieldRef ${JSON.stringify(path)} is refused`, () => {
      expect(messageOf(() => fieldValue(labelled, path, place))).to.equal(
        `the field path ${JSON.stringify(path)} is not offered to containers`,
      );
    });
  }

  it('is refused with sources that are not offered, rather than made without them', () => {
    const secret = { secretKeyRef: { name: 's', key: 'k' } } as NonNullable<EnvVar['valueFrom']>;
    expect(messageOf(() => environment([{ name: 'A', valueFrom: secret }]))).to.equal(
      'the source of the variable A is not offered yet',
    );
    const container: Container = { name: 'app', image: '', envFrom: [{ configMapRef: { name: 'c' } }] };
    expect(messageOf(() => containerEnvironment(container, podOf(), place))).to.equal(
      'envFrom is not offered yet',
    );
  });
});

describe('node agent: the user of a container', () => {
  type Context = NonNullable<Container['securityContext']>;
  /* Of the pod, of the container, of the image; the result. */
  const table: readonly (readonly [Pod['spec']['securityContext'], Context, string | undefined, unknown])[] =
    [
      [{}, {}, undefined, undefined],
      [{}, {}, 'nginx', undefined],
      [{ runAsUser: 5 }, {}, 'nginx', '"5"'],
      [{ runAsUser: 5 }, { runAsUser: 6 }, undefined, '"6"'],
      [{ runAsUser: 5, runAsGroup: 7 }, {}, undefined, '"5:7"'],
      [{ runAsGroup: 7 }, {}, undefined, '"0:7"'],
      [{ runAsGroup: 7 }, {}, 'nginx:adm', '"nginx:7"'],
      [{ runAsUser: 0 }, { runAsGroup: 0 }, 'nginx', '"0:0"'],
      [{ runAsNonRoot: true }, { runAsUser: 6 }, undefined, '"6"'],
      [{ runAsNonRoot: true }, { runAsNonRoot: false }, undefined, undefined],
      [{ runAsNonRoot: true }, {}, '101:101', undefined],
      [{ runAsNonRoot: true }, {}, '101', undefined],
      [{ runAsNonRoot: true }, {}, undefined, 'container has runAsNonRoot and image will run as root'],
      [{ runAsNonRoot: true }, {}, 'root', 'container has runAsNonRoot and image will run as root'],
      [{ runAsNonRoot: true }, {}, '0:5', 'container has runAsNonRoot and image will run as root'],
      [{ runAsNonRoot: true }, {}, '000', 'container has runAsNonRoot and image will run as root'],
      [{ runAsNonRoot: true }, { runAsUser: 0 }, '101', "container's runAsUser breaks non-root policy"],
      [
        { runAsNonRoot: true },
        {},
        'nginx',
        'container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root',
      ],
    ];
  for (const [shared = {}, own, user, expected] of table) {
    it(`${JSON.stringify(shared)} ${JSON.stringify(own)}, image ${user ?? 'without'}: ${expected}`, () => {
      const pod = podOf({ securityContext: shared });
      const container = { name: 'app', image: 'app:1', securityContext: own };
      const image = user === undefined ? plain : { ...plain, user };
      expect(messageOf(() => userOf(pod, container, image))).to.equal(expected);
    });
  }
});

describe('node agent: the cgroup of a container', () => {
  /* requests, limits; the values of the cgroup. */
  type Amounts = { readonly cpu?: string; readonly memory?: string };
  const table: readonly (readonly [Amounts, Amounts, object])[] = [
    [{}, {}, { cpuShares: 2 }],
    [{ cpu: '1' }, {}, { cpuShares: 1024 }],
    [{ cpu: '100m' }, {}, { cpuShares: 102 }],
    [{ cpu: '1m' }, {}, { cpuShares: 2 }],
    [{ cpu: '0.0001' }, {}, { cpuShares: 2 }],
    [{ cpu: '2.3' }, {}, { cpuShares: 2355 }],
    [{ cpu: '1000' }, {}, { cpuShares: 262_144 }],
    [{}, { cpu: '500m' }, { cpuShares: 512, cpus: 0.5 }],
    [{ cpu: '250m' }, { cpu: '2' }, { cpuShares: 256, cpus: 2 }],
    [{}, { cpu: '1m' }, { cpuShares: 2, cpus: 0.01 }],
    [{ cpu: '0' }, { cpu: '1' }, { cpuShares: 1024, cpus: 1 }],
    [{}, { cpu: '0' }, { cpuShares: 2 }],
    [{}, { cpu: '1.1' }, { cpuShares: 1126, cpus: 1.1 }],
    [{ memory: '64Mi' }, {}, { cpuShares: 2 }],
    [{}, { memory: '64Mi' }, { cpuShares: 2, memory: 67_108_864 }],
    [{}, { memory: '128974848' }, { cpuShares: 2, memory: 128_974_848 }],
    [{}, { memory: '0.5' }, { cpuShares: 2, memory: 1 }],
    [{}, { memory: '0' }, { cpuShares: 2 }],
  ];
  for (const [requests, limits, expected] of table) {
    it(`requests ${JSON.stringify(requests)}, limits ${JSON.stringify(limits)}`, () => {
      expect(resourcesOf({ name: 'app', image: '', resources: { requests, limits } })).to.deep.equal(
        expected,
      );
    });
  }
});

describe('node agent: what a container is made from', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hawser-agent-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const request = (container: Partial<Container>, spec: Parameters<typeof podOf>[0] = {}, image = plain) => {
    const pod = podOf({ ...spec, containers: [{ name: 'app', ...container }] });
    const [first] = pod.spec.containers;
    const start = { container: first as Container, init: false, restartCount: 3 };
    return containerRequest({ pod, start, sandboxID: 'sandbox', image, place, root });
  };

  it('names what it belongs to', async () => {
    const { labels, image, sandboxID } = await request({}, { terminationGracePeriodSeconds: 9 });
    expect({ image, sandboxID }).to.deep.equal({ image: 'app:1', sandboxID: 'sandbox' });
    const { 'io.kubernetes.container.hash': hash, ...others } = labels;
    expect(hash).to.match(/^[0-9a-f]{16}$/);
    expect(others).to.deep.equal({
      'io.kubernetes.pod.uid': 'uid-web',
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.pod.namespace': 'default',
      'io.kubernetes.container.name': 'app',
      'io.kubernetes.container.restartCount': '3',
      'io.kubernetes.sandbox.id': 'sandbox',
      'io.kubernetes.pod.terminationGracePeriod': '9',
    });
  });

  it('has command and args expanded, and leaves the image’s where there are none', async () => {
    const env = [{ name: 'A', value: 'x y' }];
    const given = await request({ env, command: ['sh', '-c', 'echo $(A) $A'], args: ['$$(A)', '$(B)'] });
    expect(given.command).to.deep.equal(['sh', '-c', 'echo x y $A']);
    expect(given.args).to.deep.equal(['$(A)', '$(B)']);
    expect(await request({})).to.not.have.any.keys('command', 'args', 'workingDir', 'user');
  });

  const contexts: readonly (readonly [string, Partial<Container>, Parameters<typeof podOf>[0], object])[] = [
    ['privileged', { securityContext: { privileged: true } }, {}, { privileged: true }],
    [
      'a root that is read only',
      { securityContext: { readOnlyRootFilesystem: true } },
      {},
      { readOnlyRootfs: true },
    ],
    [
      'no new privileges',
      { securityContext: { allowPrivilegeEscalation: false } },
      {},
      { noNewPrivileges: true },
    ],
    [
      'capabilities',
      { securityContext: { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } } },
      {},
      { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
    ],
    [
      'groups',
      {},
      { securityContext: { supplementalGroups: [5, 6], fsGroup: 7 } },
      { additionalGroups: [5, 6, 7] },
    ],
    ['a user', {}, { securityContext: { runAsUser: 5, runAsGroup: 6 } }, { user: '5:6' }],
    ['its own processes', {}, {}, { pid: 'container' }],
    ['the processes of the pod', {}, { shareProcessNamespace: true }, { pid: 'pod' }],
    ['the processes of the host', {}, { hostPID: true }, { pid: 'host' }],
    ['a terminal', { tty: true, stdin: true }, {}, { tty: true, stdin: true }],
    ['a working folder', { workingDir: '/srv' }, {}, { workingDir: '/srv' }],
  ];
  for (const [title, container, spec, expected] of contexts) {
    it(`has ${title}`, async () => expect(await request(container, spec)).to.deep.include(expected));
  }

  it('has a file for its termination message, which any user may write', async () => {
    const { mounts } = await request({ terminationMessagePath: '/tmp/why' });
    expect(mounts).to.have.lengthOf(1);
    const [mount] = mounts;
    expect(mount).to.include({ target: '/tmp/why', readOnly: false });
    expect(statSync(mount?.source ?? '').mode & 0o777).to.equal(0o666);
  });
});
