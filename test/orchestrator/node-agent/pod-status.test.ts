import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Pod } from '../../../src/api/pod.ts';
import { HawserError } from '../../../src/errors/hawser-error.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';

describe('node agent: the status of a pod', () => {
  const agent = useFakeAgent();
  const conditions = () =>
    (agent().pod().status?.conditions ?? []).map(({ type, status, reason }) =>
      [type, status, reason].filter(part => part !== undefined).join(' '),
    );
  const transition = (type: string) =>
    agent()
      .pod()
      .status?.conditions?.find(condition => condition.type === type)?.lastTransitionTime;

  it('tells where the pod is and since when', async () => {
    await agent().run(podOf());
    const { status } = agent().pod();
    expect(status).to.deep.include({
      phase: 'Running',
      hostIP: '192.0.2.1',
      hostIPs: [{ ip: '192.0.2.1' }],
      podIP: '10.89.0.7',
      podIPs: [{ ip: '10.89.0.7' }],
      startTime: '2026-01-01T00:00:00Z',
      qosClass: 'BestEffort',
    });
    const { id } = agent().runtime.find('app');
    expect(agent().status()).to.deep.equal({
      name: 'app',
      image: 'app:1',
      imageID: 'sha256:app:1',
      containerID: `hawser://${id}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      lastState: {},
    });
  });

  it('has the address of the node on its network', async () => {
    await agent().run(podOf({ hostNetwork: true }));
    expect(agent().pod().status).to.deep.include({ podIP: '192.0.2.1', podIPs: [{ ip: '192.0.2.1' }] });
  });

  it('has conditions, which keep the time of their last change', async () => {
    agent().runtime.remote.clear();
    await agent().run(podOf({ restartPolicy: 'Never' }));
    expect(conditions()).to.deep.equal([
      'PodReadyToStartContainers True',
      'Initialized True',
      'Ready False ContainersNotReady',
      'ContainersReady False ContainersNotReady',
      'PodScheduled True',
    ]);
    agent().runtime.remote.add('app:1');
    await agent().clock.advance(12);
    expect(conditions().slice(2, 4)).to.deep.equal(['Ready True', 'ContainersReady True']);
    expect(transition('Initialized')).to.equal('2026-01-01T00:00:00Z');
    expect(transition('Ready')).to.equal('2026-01-01T00:00:10Z');
    await agent().clock.advance(5);
    await agent().exit('app', 0);
    expect(conditions()).to.deep.equal([
      'PodReadyToStartContainers False',
      'Initialized True PodCompleted',
      'Ready False PodCompleted',
      'ContainersReady False PodCompleted',
      'PodScheduled True',
    ]);
    expect(transition('Ready')).to.equal('2026-01-01T00:00:17Z');
    expect(transition('Initialized')).to.equal('2026-01-01T00:00:00Z');
  });

  it('tells which containers are not ready', async () => {
    await agent().run(
      podOf({ restartPolicy: 'Never', containers: [{ name: 'app' }, { name: 'other', image: 'other:1' }] }),
    );
    await agent().exit('other', 3);
    const ready = () =>
      agent()
        .pod()
        .status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready()).to.include({ status: 'False', message: 'containers with unready status: [other]' });
    await agent().exit('app', 0);
    expect(ready()).to.include({ reason: 'PodFailed' });
  });

  it('keeps conditions that others have set', async () => {
    const pod = podOf();
    const gate = { type: 'example.com/gate', status: 'True' as const };
    await agent().run({ ...pod, status: { ...pod.status, conditions: [gate] } });
    expect(agent().pod().status?.conditions).to.deep.include(gate);
  });

  it('is written only where it has changed', async () => {
    await agent().run(podOf());
    const { writes } = agent().api;
    await agent().clock.advance(30);
    agent().api.put(agent().pod());
    await agent().clock.advance(1);
    expect(agent().api.writes).to.equal(writes);
  });

  it('never leaves a terminal phase', async () => {
    await agent().run(podOf({ restartPolicy: 'OnFailure' }));
    await agent().exit('app', 0);
    expect(agent().phase()).to.equal('Succeeded');
    agent().runtime.containers.clear();
    await agent().restart();
    await agent().clock.advance(60);
    expect(agent().phase()).to.equal('Succeeded');
    expect(agent().state()).to.equal('terminated Completed 0');
    expect(agent().runtime.containers.size).to.equal(0);
  });

  describe('of a container that has ended', () => {
    const ends: readonly (readonly [number, object, string])[] = [
      [0, {}, 'Completed'],
      [1, {}, 'Error'],
      [143, {}, 'Error'],
      [137, { oomKilled: true }, 'OOMKilled'],
      [127, { error: 'no such command' }, 'StartError'],
    ];
    for (const [exitCode, more, reason] of ends) {
      it(`${exitCode} ${JSON.stringify(more)}: ${reason}`, async () => {
        await agent().run(podOf({ restartPolicy: 'Never' }));
        const { id } = agent().runtime.find('app');
        await agent().clock.advance(7);
        await agent().exit('app', exitCode, more);
        expect(agent().status()).to.deep.include({ ready: false, started: false, restartCount: 0 });
        const { message: _, ...terminated } = agent().status().state.terminated ?? { exitCode: -1 };
        expect(terminated).to.deep.equal({
          containerID: `hawser://${id}`,
          exitCode,
          reason,
          startedAt: '2026-01-01T00:00:00Z',
          finishedAt: '2026-01-01T00:00:07Z',
        });
      });
    }
  });

  describe('of a container that cannot be started', () => {
    it('says why it is not made, and tries again after 2 s, twice as long each time', async () => {
      agent().runtime.createFailure = new HawserError('SNAPSHOT_UNKNOWN', 'the layer is gone');
      await agent().run(podOf());
      expect(agent().state()).to.equal('waiting CreateContainerError');
      expect(agent().status().state.waiting?.message).to.equal('the layer is gone');
      const failures = () =>
        agent()
          .api.reasons()
          .filter(reason => reason === 'Failed').length;
      for (const [index, seconds] of [2, 4, 8, 16, 32, 60, 60].entries()) {
        expect(failures()).to.equal(index + 1);
        await agent().clock.advance(seconds);
      }
      agent().runtime.createFailure = undefined;
      await agent().clock.advance(60);
      expect(agent().state()).to.equal('running');
      expect(agent().status().restartCount).to.equal(0);
    });

    it('says what is wrong with its configuration', async () => {
      const env = [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nothing' } } }];
      await agent().run(podOf({ containers: [{ name: 'app', env }] }));
      expect(agent().state()).to.equal('waiting CreateContainerConfigError');
      expect(agent().api.events.at(-1)).to.deep.include({
        type: 'Warning',
        reason: 'Failed',
        message: 'Error: the field path "spec.nothing" is not offered to containers',
      });
    });

    it('counts a start that fails as a crash', async () => {
      agent().runtime.startFailure = new HawserError('COMMAND_NOT_FOUND', 'there is no command "x"');
      await agent().run(podOf());
      expect(agent().state()).to.equal('waiting RunContainerError');
      expect(agent().state('app', 'lastState')).to.equal('terminated StartError 127');
      expect(agent().status().lastState.terminated?.message).to.equal('there is no command "x"');
      await agent().clock.advance(2);
      await agent().clock.advance(4);
      expect(agent().state()).to.equal('waiting CrashLoopBackOff');
      expect(agent().status().restartCount).to.equal(1);
      agent().runtime.startFailure = undefined;
      await agent().clock.advance(6);
      expect(agent().state()).to.equal('running');
    });

    it('fails the pod under Never', async () => {
      agent().runtime.startFailure = new HawserError('COMMAND_NOT_FOUND', 'there is no command "x"');
      await agent().run(podOf({ restartPolicy: 'Never' }));
      expect(agent().phase()).to.equal('Failed');
      expect(agent().state()).to.equal('terminated StartError 127');
      expect(agent().api.reasons()).to.deep.equal(['Pulling', 'Pulled', 'Created', 'Failed']);
    });
  });

  describe('has the termination message', () => {
    const say = (text: string, name = 'app') => {
      const mounts = agent().runtime.requests.get(agent().runtime.find(name).id)?.mounts ?? [];
      const mount = mounts.find(({ target }) => target === '/dev/termination-log');
      writeFileSync(mount?.source ?? '', text);
    };
    const said = () => agent().status().state.terminated?.message;
    const run = (pod: Pod) => agent().run(pod);

    it('of the file', async () => {
      await run(podOf({ restartPolicy: 'Never' }));
      say('out of cheese');
      await agent().exit('app', 1);
      expect(said()).to.equal('out of cheese');
    });

    it('of the last attempt in lastState', async () => {
      await run(podOf());
      say('first');
      await agent().exit('app', 1);
      expect(agent().status().lastState.terminated?.message).to.equal('first');
      say('second');
      await agent().exit('app', 1);
      expect(agent().status().lastState.terminated?.message).to.equal('second');
    });

    it('cut to its last 4096 bytes', async () => {
      await run(podOf({ restartPolicy: 'Never' }));
      say(`${'a'.repeat(5000)}${'b'.repeat(4096)}`);
      await agent().exit('app', 1);
      expect(said()).to.equal('b'.repeat(4096));
    });

    it('with 12 KiB shared by all containers of a pod', async () => {
      const containers = ['app', 'b', 'c', 'd'].map(name => ({ name }));
      await run(podOf({ restartPolicy: 'Never', containers }));
      say('a'.repeat(5000));
      await agent().exit('app', 1);
      expect(said()).to.have.lengthOf(3072);
    });

    const log = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    const fallbacks: readonly (readonly [string, number, string, string | undefined])[] = [
      ['the log where there is none and it has failed', 1, '', 'log of app\n'],
      ['nothing where it has succeeded', 0, '', undefined],
      ['the file where there is one', 1, 'file', 'file'],
    ];
    for (const [title, exitCode, text, expected] of fallbacks) {
      it(`FallbackToLogsOnError: ${title}`, async () => {
        await run(podOf({ restartPolicy: 'Never', containers: [{ name: 'app', ...log }] }));
        agent().runtime.logText = 'log of app\n';
        say(text);
        await agent().exit('app', exitCode);
        expect(said()).to.equal(expected);
      });
    }
  });
});
