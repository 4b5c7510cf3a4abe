import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { podFolder } from '../../../src/orchestrator/node-agent/pod-volumes.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';
import { settle } from './fake-clock.ts';

describe('node agent: the end of a pod', () => {
  const agent = useFakeAgent();
  const stops = () => agent().runtime.calls.filter(call => call.startsWith('stop '));
  const idOf = (name: string) => agent().runtime.find(name).id;

  it('stops all containers at once, then the sandbox, then removes the object', async () => {
    agent().runtime.stubborn = true;
    const containers = [{ name: 'app' }, { name: 'other', image: 'other:1' }];
    await agent().run(podOf({ containers }));
    const [app, other] = [idOf('app'), idOf('other')];
    const { calls } = agent().runtime;
    calls.length = 0;
    await agent().deletePod(5);
    expect(calls).to.deep.equal([`stop ${app} 5`, `stop ${other} 5`]);
    await agent().clock.advance(4);
    expect(agent().state('app')).to.equal('running');
    agent().runtime.exit('other', 0);
    await agent().clock.advance(1);
    expect(calls).to.deep.equal([
      `stop ${app} 5`,
      `stop ${other} 5`,
      'stop sandbox-1 2',
      `remove ${app}`,
      `remove ${other}`,
      'remove sandbox-1',
    ]);
    expect(agent().api.pods.size).to.equal(0);
    // The last status tells how they have ended.
    const last = agent().api.deleted[0]?.status?.containerStatuses?.map(
      ({ state }) => state.terminated?.exitCode,
    );
    expect(last).to.deep.equal([137, 0]);
    expect(agent().runtime.containers.size).to.equal(0);
  });

  it('tells of each container that it stops', async () => {
    await agent().run(podOf());
    await agent().deletePod(30);
    expect(agent().api.events.at(-1)).to.deep.include({
      type: 'Normal',
      reason: 'Killing',
      message: 'Stopping container app',
      fieldPath: 'spec.containers{app}',
    });
  });

  it('removes the folder of the pod', async () => {
    await agent().run(podOf());
    const folder = podFolder(agent().root, 'uid-web');
    expect(existsSync(folder)).to.equal(true);
    await agent().deletePod(0);
    expect(existsSync(folder)).to.equal(false);
  });

  it('starts nothing any more', async () => {
    await agent().run(podOf());
    await agent().exit('app', 1);
    await agent().exit('app', 1);
    await agent().deletePod(30);
    await agent().clock.advance(60);
    expect(agent().runtime.containers.size).to.equal(0);
    expect(agent().runtime.calls.filter(call => call === 'start app')).to.have.lengthOf(2);
  });

  it('may be hurried', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    const id = idOf('app');
    await agent().deletePod(300);
    await agent().clock.advance(5);
    await agent().deletePod(7);
    expect(stops()).to.deep.equal([`stop ${id} 300`, `stop ${id} 7`]);
    await agent().clock.advance(7);
    expect(agent().api.pods.size).to.equal(0);
  });

  it('comes at once where the object is gone meanwhile', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    const id = idOf('app');
    await agent().deletePod(300);
    agent().api.remove('uid-web');
    await settle();
    expect(stops().at(1)).to.equal(`stop ${id} 0`);
    await agent().clock.advance(1);
    expect(agent().runtime.containers.size).to.equal(0);
  });

  it('is tried again where something cannot be removed', async () => {
    await agent().run(podOf());
    agent().runtime.removeFailure = new Error('device is busy');
    await agent().deletePod(30);
    expect(agent().api.pods.size).to.equal(1);
    agent().runtime.removeFailure = undefined;
    await agent().clock.advance(2);
    expect(agent().api.pods.size).to.equal(0);
    expect([...new Set(agent().log.splice(0))]).to.deep.equal(['pod web: device is busy']);
  });

  it('of one that has never started needs no time', async () => {
    agent().runtime.remote.clear();
    await agent().run(podOf());
    await agent().deletePod(30);
    expect(agent().api.pods.size).to.equal(0);
  });

  it('of one that has ended removes what is left', async () => {
    await agent().run(podOf({ restartPolicy: 'Never' }));
    await agent().exit('app', 0);
    expect(agent().runtime.containers.size).to.equal(2);
    agent().api.remove('uid-web');
    await settle();
    expect(agent().runtime.containers.size).to.equal(0);
  });

  it('does not hold up the end of the agent', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    await agent().deletePod(300);
    await agent().stop();
    expect(agent().api.pods.size).to.equal(1);
    expect(agent().state()).to.equal('running');
  });

  it('nor does a container that is stopped for its new image', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    const pod = agent().pod();
    const containers = pod.spec.containers.map(container => ({ ...container, image: 'other:1' }));
    await agent().run({ ...pod, spec: { ...pod.spec, containers } });
    expect(stops()).to.have.lengthOf(1);
    await agent().stop();
    expect(agent().runtime.calls.filter(call => call.startsWith('start'))).to.have.lengthOf(1);
  });

  it('comes while a container is being stopped for its new image', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    const pod = agent().pod();
    const containers = pod.spec.containers.map(container => ({ ...container, image: 'other:1' }));
    await agent().run({ ...pod, spec: { ...pod.spec, containers } });
    await agent().deletePod(3);
    await agent().clock.advance(3);
    expect(agent().api.pods.size).to.equal(0);
    expect(agent().runtime.containers.size).to.equal(0);
  });
});

describe('node agent: a pod with a deadline', () => {
  const agent = useFakeAgent();

  it('is ended when it has passed', async () => {
    await agent().run(podOf({ activeDeadlineSeconds: 20, terminationGracePeriodSeconds: 4 }));
    const { id } = agent().runtime.find('app');
    await agent().clock.advance(19);
    expect(agent().phase()).to.equal('Running');
    await agent().clock.advance(1);
    expect(agent().runtime.calls).to.include(`stop ${id} 4`);
    const { status } = agent().pod();
    expect(status).to.deep.include({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    expect(agent().state()).to.equal('terminated Error 143');
    expect(agent().api.events.filter(({ reason }) => reason === 'DeadlineExceeded')).to.have.lengthOf(1);
    await agent().restart();
    await agent().clock.advance(20);
    expect(agent().pod().status).to.deep.equal(status);
  });

  it('may come sooner by a change', async () => {
    await agent().run(podOf({ activeDeadlineSeconds: 100 }));
    const pod = agent().pod();
    await agent().clock.advance(5);
    await agent().run({ ...pod, spec: { ...pod.spec, activeDeadlineSeconds: 10 } });
    await agent().clock.advance(5);
    expect(agent().phase()).to.equal('Failed');
  });

  it('counts time in which it waits', async () => {
    agent().runtime.remote.clear();
    await agent().run(podOf({ activeDeadlineSeconds: 15 }));
    await agent().clock.advance(15);
    expect(agent().pod().status).to.include({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('has succeeded where it has ended before', async () => {
    await agent().run(podOf({ restartPolicy: 'Never', activeDeadlineSeconds: 15 }));
    await agent().exit('app', 0);
    await agent().clock.advance(30);
    expect(agent().phase()).to.equal('Succeeded');
  });
});

describe('node agent: the events of a pod', () => {
  const agent = useFakeAgent();

  it('come in the order of its life', async () => {
    await agent().run(podOf({ initContainers: [{ name: 'first' }] }));
    await agent().exit('first', 0);
    await agent().exit('app', 1);
    await agent().exit('app', 1);
    await agent().clock.advance(10);
    await agent().deletePod(30);
    const told = agent().api.events.map(({ reason, message }) => `${reason}: ${message}`);
    expect(told).to.deep.equal([
      'Pulling: Pulling image "init:1"',
      'Pulled: Successfully pulled image "init:1" in 0s (0s including waiting)',
      'Created: Created container first',
      'Started: Started container first',
      'Pulling: Pulling image "app:1"',
      'Pulled: Successfully pulled image "app:1" in 0s (0s including waiting)',
      'Created: Created container app',
      'Started: Started container app',
      'Pulled: Container image "app:1" already present on machine',
      'Created: Created container app',
      'Started: Started container app',
      'BackOff: Back-off restarting failed container app in pod web_default(uid-web)',
      'Pulled: Container image "app:1" already present on machine',
      'Created: Created container app',
      'Started: Started container app',
      'Killing: Stopping container app',
    ]);
  });

  it('that cannot be written hold up nothing', async () => {
    agent().api.eventFailure = new Error('the disk is full');
    await agent().run(podOf());
    expect(agent().state()).to.equal('running');
    expect(agent().log.splice(0)[0]).to.equal('event Pulling: the disk is full');
  });
});
