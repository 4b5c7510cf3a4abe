import { expect } from 'chai';
import type { Event } from '../../../src/api/event.ts';
import type { Pod } from '../../../src/api/pod.ts';
import { EventRecorder } from '../../../src/orchestrator/apiserver/event-recorder.ts';
import type { RunningLoop } from '../../../src/orchestrator/controllers/loop.ts';
import { startScheduler } from '../../../src/orchestrator/scheduler/scheduler.ts';
import { type OpenedApi, openApi, podNamed, podsPath } from '../support/open-api.ts';

describe('scheduler', () => {
  let api: OpenedApi;
  let events: EventRecorder;
  let scheduler: RunningLoop;
  beforeEach(async () => {
    api = await openApi();
    events = new EventRecorder(api.context, line => api.log.push(line));
    scheduler = startScheduler({ context: api.context, events, log: line => api.log.push(line) });
  });
  afterEach(async () => {
    await scheduler.close();
    await api.close();
    expect(api.log).to.deep.equal([]);
  });

  const create = (name: string, spec: object = {}) =>
    api.call('POST', podsPath, { body: podNamed(name, spec) });
  const addNode = (name: string, more: object = {}) =>
    api.call('POST', '/api/v1/nodes', {
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name }, ...more },
    });

  async function until(name: string, wanted: (pod: Pod) => boolean): Promise<Pod> {
    const query = `watch=true&timeoutSeconds=10&fieldSelector=metadata.name%3D${name}`;
    for await (const { object } of api.watch(`${podsPath}?${query}`)) if (wanted(object)) return object;
    throw new Error(`${name} did not come to be as wanted`);
  }
  const bound = (name: string) => until(name, ({ spec }) => spec.nodeName !== undefined);
  const refused = (name: string, message: string) =>
    until(name, ({ status }) => status?.conditions?.[0]?.message === message);

  async function eventsOf(name: string): Promise<readonly (readonly [string, string, string])[]> {
    await events.drain();
    const { value } = await api.call(
      'GET',
      `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D${name}`,
    );
    return (value['items'] as readonly Event[]).map(({ type = '', reason = '', message = '' }) => [
      type,
      reason,
      message,
    ]);
  }

  it('gives a pod the first node that it fits on', async () => {
    await addNode('n1', { spec: { unschedulable: true } });
    await addNode('n2');
    await create('a');
    const pod = await bound('a');
    expect(pod.spec.nodeName).to.equal('n2');
    expect(pod.status?.phase).to.equal('Pending');
    expect(pod.status?.conditions).to.deep.equal([
      {
        type: 'PodScheduled',
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ]);
    expect(await eventsOf('a')).to.deep.equal([
      ['Normal', 'Scheduled', 'Successfully assigned default/a to n2'],
    ]);
  });

  it('says once why a pod fits nowhere, and tries again when that changes', async () => {
    const none = 'no nodes available to schedule pods';
    await create('a', { nodeSelector: { disk: 'ssd' } });
    await refused('a', none);
    await addNode('n1');
    await addNode('n2');
    await addNode('n3', { spec: { unschedulable: true } });
    const unfit =
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.";
    const pod = await refused('a', unfit);
    expect(pod.status?.conditions?.[0]).to.include({
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
    });
    const body = { metadata: { labels: { disk: 'ssd' } } };
    await api.call('PATCH', '/api/v1/nodes/n2', { body, type: 'application/merge-patch+json' });
    expect((await bound('a')).spec.nodeName).to.equal('n2');
    const told = await eventsOf('a');
    expect(told.filter(([, , message]) => message === unfit)).to.deep.equal([
      ['Warning', 'FailedScheduling', unfit],
    ]);
    expect(told.at(-1)?.[1]).to.equal('Scheduled');
  });

  it('gives a port of the host to one pod at a time', async () => {
    await addNode('n');
    const ports = {
      containers: [{ name: 'a', image: 'a:1', ports: [{ containerPort: 80, hostPort: 8080 }] }],
    };
    await create('a', ports);
    await bound('a');
    await create('b', ports);
    await refused(
      'b',
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
    const body = { status: { phase: 'Succeeded' } };
    await api.call('PATCH', `${podsPath}/a/status`, { body, type: 'application/merge-patch+json' });
    await bound('b');
  });

  it('counts what it has given away in one go', async () => {
    const big = { containers: [{ name: 'a', image: 'a:1', resources: { requests: { cpu: '1' } } }] };
    for (const name of ['a', 'b', 'c']) await create(name, big);
    await addNode('n', { status: { allocatable: { cpu: '2' } } });
    await bound('a');
    await bound('b');
    await refused('c', '0/1 nodes are available: 1 Insufficient cpu.');
    await api.call('DELETE', `${podsPath}/a`, { body: { gracePeriodSeconds: 0 } });
    await bound('c');
  });

  it('leaves alone what is not its own', async () => {
    await addNode('n');
    await create('other', { schedulerName: 'mine' });
    await create('gated', { schedulingGates: [{ name: 'example.com/wait' }] });
    await create('given', { nodeName: 'elsewhere' });
    await create('last');
    await bound('last');
    const nodeOf = async (name: string) =>
      ((await api.call('GET', `${podsPath}/${name}`)).value['spec'] as Pod['spec']).nodeName;
    expect([await nodeOf('other'), await nodeOf('gated'), await nodeOf('given')]).to.deep.equal([
      undefined,
      undefined,
      'elsewhere',
    ]);
    await api.call('PATCH', `${podsPath}/gated`, {
      body: { spec: { schedulingGates: null } },
      type: 'application/merge-patch+json',
    });
    expect(
      (await bound('gated')).status?.conditions?.map(({ type, status }) => `${type} ${status}`),
    ).to.deep.equal(['PodScheduled True']);
  });
});
