import { expect } from 'chai';
import { Backoff } from '../../../src/orchestrator/node-agent/backoff.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';

describe('node agent: delays after failures', () => {
  it('double from the first to the longest', () => {
    const backoff = new Backoff(10, 300);
    const waits: (number | undefined)[] = [];
    let now = 1000;
    for (let failure = 0; failure < 8; failure++) {
      const end = backoff.endOf('a', now);
      waits.push(end === undefined ? undefined : end - now);
      now = end ?? now;
      backoff.next('a', { failedAt: now, now });
    }
    expect(waits).to.deep.equal([undefined, 10, 20, 40, 80, 160, 300, 300]);
    expect(backoff.delayOf('b')).to.equal(0);
    expect(backoff.endOf('b', now)).to.equal(undefined);
  });

  it('start over after twice the longest of quiet', () => {
    const backoff = new Backoff(10, 300);
    for (let failure = 0; failure < 4; failure++) backoff.next('a', { failedAt: 0, now: 0 });
    expect(backoff.endOf('a', 600)).to.equal(680);
    expect(backoff.endOf('a', 601)).to.equal(undefined);
    backoff.next('a', { failedAt: 601, now: 601 });
    expect(backoff.delayOf('a')).to.equal(10);
  });

  it('are forgotten on demand', () => {
    const backoff = new Backoff(10, 300);
    backoff.next('a', { failedAt: 0, now: 0 });
    backoff.reset('a');
    expect(backoff.endOf('a', 0)).to.equal(undefined);
  });
});

describe('node agent: a container that crashes', () => {
  const agent = useFakeAgent();

  it('waits 10 s, twice as long each time, and 300 s at most', async () => {
    await agent().run(podOf());
    const message = (delay: string) =>
      `back-off ${delay} restarting failed container=app pod=web_default(uid-web)`;
    // The first restart is at once.
    await agent().exit('app', 1);
    expect(agent().state()).to.equal('running');
    const delays = [10, 20, 40, 80, 160, 300, 300] as const;
    for (const [index, seconds] of delays.entries()) {
      await agent().exit('app', 1);
      expect(agent().state()).to.equal('waiting CrashLoopBackOff');
      const text = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
      expect(agent().status().state.waiting?.message).to.equal(message(text));
      expect(agent().state('app', 'lastState')).to.equal('terminated Error 1');
      expect(agent().phase()).to.equal('Running');
      await agent().clock.advance(seconds - 1);
      expect(agent().state()).to.equal('waiting CrashLoopBackOff');
      await agent().clock.advance(1);
      expect(agent().state()).to.equal('running');
      expect(agent().status().restartCount).to.equal(index + 2);
      expect(agent().state('app', 'lastState')).to.equal('terminated Error 1');
    }
    const events = agent().api.events.filter(({ reason }) => reason === 'BackOff');
    expect(events).to.have.lengthOf(delays.length);
    expect(events[0]).to.deep.include({
      type: 'Warning',
      message: 'Back-off restarting failed container app in pod web_default(uid-web)',
      fieldPath: 'spec.containers{app}',
    });
  });

  it('starts at once again after ten minutes of quiet', async () => {
    await agent().run(podOf());
    await agent().exit('app', 1);
    await agent().exit('app', 1);
    await agent().clock.advance(10);
    await agent().clock.advance(600);
    await agent().exit('app', 1);
    expect(agent().state()).to.equal('waiting CrashLoopBackOff');
    await agent().clock.advance(20);
    await agent().clock.advance(601);
    await agent().exit('app', 1);
    expect(agent().state()).to.equal('running');
    await agent().exit('app', 1);
    expect(agent().status().state.waiting?.message).to.match(/^back-off 10s /);
  });

  it('does not hold up another container', async () => {
    await agent().run(podOf({ containers: [{ name: 'app' }, { name: 'other', image: 'other:1' }] }));
    await agent().exit('app', 1);
    await agent().exit('app', 1);
    await agent().exit('other', 0);
    expect(agent().state('app')).to.equal('waiting CrashLoopBackOff');
    expect(agent().state('other')).to.equal('running');
    expect(agent().status('other').restartCount).to.equal(1);
  });

  it('starts at once with another image', async () => {
    await agent().run(podOf());
    await agent().exit('app', 1);
    await agent().exit('app', 1);
    const pod = agent().pod();
    const containers = pod.spec.containers.map(container => ({ ...container, image: 'other:1' }));
    await agent().run({ ...pod, spec: { ...pod.spec, containers } });
    expect(agent().state()).to.equal('running');
    expect(agent().status().image).to.equal('other:1');
  });

  it('keeps one ended container, for its log', async () => {
    await agent().run(podOf());
    const ids = [agent().runtime.find('app').id];
    for (let crash = 0; crash < 3; crash++) {
      await agent().exit('app', crash);
      await agent().clock.advance(40);
      ids.push(agent().runtime.find('app').id);
    }
    const left = [...agent().runtime.containers.values()].filter(({ kind }) => kind === 'container');
    expect(left.map(({ id }) => id)).to.deep.equal(ids.slice(-2));
    expect(agent().status().lastState.terminated?.exitCode).to.equal(2);
  });
});
