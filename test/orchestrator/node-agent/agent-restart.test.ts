import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { podFolder } from '../../../src/orchestrator/node-agent/pod-volumes.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';
import { settle } from './fake-clock.ts';

describe('node agent: when another takes over', () => {
  const agent = useFakeAgent();
  const starts = () => agent().runtime.calls.filter(call => call.startsWith('start ')).length;

  it('leaves running containers alone', async () => {
    await agent().run(podOf());
    const before = [...agent().runtime.containers.values()];
    const { calls } = agent().runtime;
    const count = calls.length;
    const { writes } = agent().api;
    await agent().restart();
    expect([...agent().runtime.containers.values()]).to.deep.equal(before);
    expect(calls.slice(count)).to.deep.equal([]);
    expect(agent().api.writes).to.equal(writes);
  });

  it('sees the end of an adopted container', async () => {
    await agent().run(podOf());
    await agent().restart();
    await agent().exit('app', 1);
    expect(agent().state()).to.equal('running');
    expect(agent().status().restartCount).to.equal(1);
  });

  it('keeps restartCount and lastState', async () => {
    await agent().run(podOf());
    await agent().exit('app', 1);
    await agent().exit('app', 2);
    await agent().clock.advance(10);
    await agent().restart();
    expect(agent().status().restartCount).to.equal(2);
    expect(agent().state('app', 'lastState')).to.equal('terminated Error 2');
    await agent().exit('app', 3);
    expect(agent().status().restartCount).to.equal(3);
    expect(agent().state('app', 'lastState')).to.equal('terminated Error 3');
  });

  it('sees what has ended meanwhile', async () => {
    await agent().run(podOf({ restartPolicy: 'OnFailure' }));
    await agent().stop();
    agent().runtime.exit('app', 0);
    agent().start();
    await settle();
    expect(agent().phase()).to.equal('Succeeded');
    expect(starts()).to.equal(1);
  });

  it('starts under its number what was made and never started', async () => {
    await agent().run(podOf());
    const { id } = agent().runtime.find('app');
    const { labels, image, imageID, createdAt } = agent().runtime.find('app');
    await agent().stop();
    agent().runtime.containers.set(id, {
      id,
      kind: 'container',
      state: 'created',
      labels,
      image,
      imageID,
      createdAt,
    });
    agent().start();
    await settle();
    expect(agent().runtime.calls).to.include(`remove ${id}`);
    expect(agent().state()).to.equal('running');
    expect(agent().status().restartCount).to.equal(0);
  });

  it('replaces a sandbox that was made and never started', async () => {
    await agent().run(podOf());
    await agent().stop();
    agent().runtime.containers.clear();
    const labels = agent().runtime.sandboxes[0]?.labels ?? {};
    const old = { id: 'old', image: '', imageID: '', createdAt: '2026-01-01T00:00:00Z', labels };
    agent().runtime.containers.set('old', { ...old, kind: 'sandbox', state: 'created' });
    agent().start();
    await settle();
    expect(agent().runtime.calls).to.include('remove old');
    expect(agent().state()).to.equal('running');
  });

  it('ends what is left of pods that are gone, with the time that they had', async () => {
    await agent().run(podOf({ terminationGracePeriodSeconds: 7 }));
    await agent().stop();
    const { id } = agent().runtime.find('app');
    agent().api.remove('uid-web');
    mkdirSync(podFolder(agent().root, 'uid-other'), { recursive: true });
    agent().start();
    await settle();
    expect(agent().runtime.calls).to.include(`stop ${id} 7`);
    expect(agent().runtime.containers.size).to.equal(0);
    expect(await readdir(join(agent().root, 'cluster', 'pods'))).to.deep.equal([]);
  });

  it('touches nothing that only names itself a pod', async () => {
    await agent().run(podOf());
    await agent().stop();
    const labels = { 'io.kubernetes.pod.uid': '../..' };
    const old = { id: 'odd', image: '', imageID: '', createdAt: '2026-01-01T00:00:00Z', labels };
    agent().runtime.containers.set('odd', { ...old, kind: 'container', state: 'running' });
    mkdirSync(join(agent().root, 'cluster', 'pods', '.hidden'));
    agent().start();
    await settle();
    expect(agent().runtime.containers.has('odd')).to.equal(true);
    expect(await readdir(join(agent().root, 'cluster', 'pods'))).to.have.members(['uid-web', '.hidden']);
    expect(() => podFolder(agent().root, '../..')).to.throw('"../.." is no uid of a pod');
  });

  it('goes on with a deletion, in the time that is left', async () => {
    agent().runtime.stubborn = true;
    await agent().run(podOf());
    const { id } = agent().runtime.find('app');
    await agent().deletePod(30);
    await agent().clock.advance(10);
    await agent().restart();
    const stops = agent().runtime.calls.filter(call => call.startsWith(`stop ${id}`));
    expect(stops).to.deep.equal([`stop ${id} 30`, `stop ${id} 20`]);
    await agent().clock.advance(20);
    expect(agent().api.pods.size).to.equal(0);
  });

  describe('and somebody has removed a container', () => {
    const lose = () => agent().runtime.containers.delete(agent().runtime.find('app').id);

    it('that ran: it counts as ended', async () => {
      await agent().run(podOf());
      lose();
      await agent().restart();
      expect(agent().status().restartCount).to.equal(1);
      expect(agent().state()).to.equal('running');
      expect(agent().status().lastState.terminated).to.deep.include({
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      });
    });

    it('that ran, under Never: the pod has failed', async () => {
      await agent().run(podOf({ restartPolicy: 'Never' }));
      lose();
      await agent().restart();
      expect(agent().phase()).to.equal('Failed');
      expect(agent().state()).to.equal('terminated ContainerStatusUnknown 137');
      expect(starts()).to.equal(1);
    });

    it('that has done its work: it stays done', async () => {
      const containers = [{ name: 'app' }, { name: 'other', image: 'other:1' }];
      await agent().run(podOf({ restartPolicy: 'OnFailure', containers }));
      await agent().exit('app', 0);
      const state = agent().status().state;
      lose();
      await agent().restart();
      await agent().clock.advance(30);
      expect(agent().status().state).to.deep.equal(state);
      expect(agent().phase()).to.equal('Running');
      await agent().exit('other', 0);
      expect(agent().phase()).to.equal('Succeeded');
      expect(starts()).to.equal(2);
    });

    it('that waits after a crash: its number goes on', async () => {
      await agent().run(podOf());
      await agent().exit('app', 1);
      await agent().exit('app', 5);
      lose();
      await agent().restart();
      expect(agent().status().restartCount).to.equal(2);
      expect(agent().state('app', 'lastState')).to.equal('terminated Error 5');
    });
  });

  it('sees while it runs that a container was removed', async () => {
    await agent().run(podOf());
    const { id } = agent().runtime.find('app');
    agent().runtime.exitID(id, 137);
    agent().runtime.containers.delete(id);
    await settle();
    expect(agent().state()).to.equal('running');
    expect(agent().status().restartCount).to.equal(1);
  });
});

describe('node agent: its watch', () => {
  const agent = useFakeAgent();

  it('is begun anew where it breaks, with what it has missed', async () => {
    const { api, runtime } = agent();
    await agent().run(podOf());
    await agent().run(podOf({ name: 'stays' }));
    const gone = runtime.find('app').labels;
    const ids = () => [...runtime.containers.values()].map(({ labels }) => labels['io.kubernetes.pod.uid']);
    expect(gone['io.kubernetes.pod.uid']).to.equal('uid-stays');
    api.hold();
    api.remove('uid-web');
    api.put(podOf({ name: 'new' }));
    api.breakWatch(new Error('too old resource version'));
    await settle();
    expect(agent().log.splice(0)).to.deep.equal(['node agent: too old resource version']);
    expect(ids()).to.have.members(['uid-web', 'uid-web', 'uid-stays', 'uid-stays']);
    await agent().clock.advance(1);
    expect(ids()).to.have.members(['uid-new', 'uid-new', 'uid-stays', 'uid-stays']);
  });

  it('does not bring back, by what it tells late, a pod that has ended', async () => {
    const { api, runtime } = agent();
    await agent().run(podOf());
    api.hold();
    api.put(agent().pod());
    await agent().deletePod(5);
    // The write of the status tells the agent of the deletion before the watch does.
    await agent().exit('app', 1);
    expect(api.pods.size).to.equal(0);
    expect(runtime.containers.size).to.equal(0);
    const { length } = runtime.calls;
    api.release();
    await settle();
    expect(runtime.calls.slice(length)).to.deep.equal([]);
    // The name may be used again.
    await agent().run({ ...podOf(), metadata: { ...podOf().metadata, uid: 'uid-again' } });
    expect(runtime.find('app').labels['io.kubernetes.pod.uid']).to.equal('uid-again');
  });

  it('ends pods that went without a grace period', async () => {
    const { api, runtime } = agent();
    await agent().run(podOf({ terminationGracePeriodSeconds: 3 }));
    const { id } = runtime.find('app');
    api.remove('uid-web');
    await settle();
    expect(runtime.calls).to.include(`stop ${id} 3`);
    expect(runtime.containers.size).to.equal(0);
  });
});
