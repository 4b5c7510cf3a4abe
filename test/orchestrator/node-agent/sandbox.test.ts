import { expect } from 'chai';
import type { Pod } from '../../../src/api/pod.ts';
import { HawserError } from '../../../src/errors/hawser-error.ts';
import { sandboxRequest } from '../../../src/orchestrator/node-agent/sandbox-request.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';
import { settle } from './fake-clock.ts';

describe('node agent: the sandbox of a pod', () => {
  const agent = useFakeAgent();
  const sandboxes = () => [...agent().runtime.containers.values()].filter(({ kind }) => kind === 'sandbox');
  const killSandbox = async () => {
    const running = sandboxes().find(({ state }) => state === 'running');
    agent().runtime.exitID(running?.id ?? '', 137);
    await settle();
  };
  const starts = (name: string) => agent().runtime.calls.filter(call => call === `start ${name}`).length;

  it('is made before the containers, which join it', async () => {
    await agent().run(podOf());
    expect(agent().runtime.calls).to.deep.equal(['sandbox web', 'pull app:1', 'start app']);
    const request = agent().runtime.requests.get(agent().runtime.find('app').id);
    expect(request?.sandboxID).to.equal(sandboxes()[0]?.id);
  });

  it('takes all containers with it when it dies', async () => {
    const containers = [{ name: 'app' }, { name: 'other', image: 'other:1' }];
    await agent().run(podOf({ containers }));
    const old = [agent().runtime.find('app').id, agent().runtime.find('other').id];
    const [first] = sandboxes();
    await killSandbox();
    for (const id of old) expect(agent().runtime.calls).to.include(`stop ${id} 30`);
    expect(sandboxes()).to.have.lengthOf(1);
    expect(sandboxes()[0]?.id).to.not.equal(first?.id);
    expect(agent().status('app')).to.deep.include({ restartCount: 1, ready: true });
    expect(agent().state('app', 'lastState')).to.equal('terminated Error 143');
    const request = agent().runtime.requests.get(agent().runtime.find('app').id);
    expect(request?.sandboxID).to.equal(sandboxes()[0]?.id);
    expect(agent().api.events.find(({ reason }) => reason === 'SandboxChanged')?.message).to.equal(
      'Pod sandbox changed, it will be killed and re-created.',
    );
  });

  it('is numbered', async () => {
    await agent().run(podOf());
    await killSandbox();
    await killSandbox();
    const counts = agent().runtime.sandboxes.map(
      ({ labels }) => labels['io.kubernetes.container.restartCount'],
    );
    expect(counts).to.deep.equal(['0', '1', '2']);
  });

  it('is not made again under Never', async () => {
    await agent().run(podOf({ restartPolicy: 'Never' }));
    await killSandbox();
    expect(agent().phase()).to.equal('Failed');
    expect(agent().runtime.sandboxes).to.have.lengthOf(1);
    expect(starts('app')).to.equal(1);
  });

  it('is made again for what has not succeeded only', async () => {
    const containers = [{ name: 'app' }, { name: 'other', image: 'other:1' }];
    await agent().run(podOf({ restartPolicy: 'OnFailure', containers }));
    await agent().exit('other', 0);
    await killSandbox();
    expect(starts('app')).to.equal(2);
    expect(starts('other')).to.equal(1);
  });

  it('is not made where all has succeeded', async () => {
    await agent().run(podOf({ restartPolicy: 'OnFailure' }));
    await agent().stop();
    agent().runtime.exit('app', 0);
    agent().runtime.exitID(sandboxes()[0]?.id ?? '', 137);
    agent().start();
    await settle();
    expect(agent().phase()).to.equal('Succeeded');
    expect(agent().runtime.sandboxes).to.have.lengthOf(1);
  });

  it('that dies again and again does not spin', async () => {
    await agent().run(podOf());
    for (let death = 0; death < 20; death++) {
      const [running] = sandboxes().filter(({ state }) => state === 'running');
      if (running === undefined) continue;
      agent().runtime.exit('app', 1);
      agent().runtime.exitID(running.id, 137);
      await settle();
    }
    expect(agent().runtime.sandboxes.length).to.be.lessThan(4);
    expect(agent().state()).to.equal('waiting CrashLoopBackOff');
    await agent().clock.advance(10);
    expect(agent().state()).to.equal('running');
  });

  it('that cannot be made is tried again after 2 s, twice as long each time', async () => {
    agent().runtime.sandboxFailure = new HawserError('ADDRESS_IN_USE', 'the port 80 is taken');
    await agent().run(podOf());
    const made = () => agent().runtime.calls.length;
    for (const [index, seconds] of [2, 4, 8, 16, 32, 60].entries()) {
      expect(made()).to.equal(index + 1);
      expect(agent().state()).to.equal('waiting ContainerCreating');
      await agent().clock.advance(seconds);
    }
    expect(agent().status().state.waiting?.message).to.equal(
      'Failed to create pod sandbox: the port 80 is taken',
    );
    expect(agent().api.events[0]).to.deep.include({
      type: 'Warning',
      reason: 'FailedCreatePodSandBox',
      message: 'Failed to create pod sandbox: the port 80 is taken',
    });
    agent().runtime.sandboxFailure = undefined;
    await agent().clock.advance(60);
    expect(agent().state()).to.equal('running');
  });
});

const whole = {
  podUID: 'uid-web',
  podName: 'web',
  podNamespace: 'default',
  hostname: 'web',
  hostNetwork: false,
  hostIPC: false,
  ports: [],
  hostAliases: [],
  labels: {
    'io.kubernetes.pod.uid': 'uid-web',
    'io.kubernetes.pod.name': 'web',
    'io.kubernetes.pod.namespace': 'default',
    'io.kubernetes.container.restartCount': '0',
  },
};

/* What a pod has beside the rest, and what its sandbox has then. */
const requests: readonly (readonly [string, Parameters<typeof podOf>[0], object])[] = [
  ['nothing', {}, {}],
  ['hostNetwork', { hostNetwork: true }, { hostNetwork: true, hostname: 'node-1' }],
  ['hostIPC', { hostIPC: true }, { hostIPC: true }],
  ['a hostname', { hostname: 'db' }, { hostname: 'db' }],
  [
    'hostAliases',
    { hostAliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b.example'] }, { ip: '192.0.2.8' }] },
    {
      hostAliases: [
        { address: '192.0.2.9', host: 'a' },
        { address: '192.0.2.9', host: 'b.example' },
      ],
    },
  ],
  [
    'ports',
    {
      containers: [
        { name: 'app', ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] },
        {
          name: 'dns',
          ports: [
            { containerPort: 53, hostPort: 53, hostIP: '127.0.0.1', protocol: 'UDP' },
            { containerPort: 54, hostPort: 54, hostIP: '0.0.0.0' },
            { containerPort: 55, hostPort: 0 },
          ],
        },
      ],
    },
    {
      ports: [
        { hostIP: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostIP: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' },
        { hostIP: '', hostPort: 54, containerPort: 54, protocol: 'tcp' },
      ],
    },
  ],
  [
    'ports on the network of the host',
    {
      hostNetwork: true,
      containers: [{ name: 'app', ports: [{ containerPort: 80 }] }],
    },
    { hostNetwork: true, hostname: 'node-1' },
  ],
  [
    'dnsPolicy None',
    {
      dnsPolicy: 'None',
      dnsConfig: {
        nameservers: ['192.0.2.53'],
        searches: ['example'],
        options: [{ name: 'ndots', value: '5' }, { name: 'edns0' }],
      },
    },
    {
      dns: { servers: ['192.0.2.53'], search: ['example'], options: ['ndots:5', 'edns0'], extend: false },
    },
  ],
  [
    'dnsConfig beside the node’s',
    { dnsConfig: { nameservers: ['192.0.2.53'] } },
    { dns: { servers: ['192.0.2.53'], search: [], options: [], extend: true } },
  ],
  [
    'sysctls',
    { securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '99' }] } },
    { sysctls: { 'net.core.somaxconn': '99' } },
  ],
];

describe('node agent: what a sandbox is made from', () => {
  for (const [title, over, expected] of requests) {
    it(title, () => {
      const request = sandboxRequest(podOf(over), { attempt: 0, nodeName: 'node-1' });
      expect(request).to.deep.equal({ ...whole, ...expected });
    });
  }

  it('a hostname of at most 63 characters, that ends in a letter or digit', () => {
    const named = (name: string): Pod => ({ ...podOf(), metadata: { name, uid: 'u' } });
    const hostname = (name: string) => sandboxRequest(named(name), { attempt: 0, nodeName: '' }).hostname;
    expect(hostname('a'.repeat(80))).to.equal('a'.repeat(63));
    expect(hostname(`${'a'.repeat(62)}-b`)).to.equal('a'.repeat(62));
    expect(hostname(`${'a'.repeat(61)}.-b`)).to.equal('a'.repeat(61));
  });
});
