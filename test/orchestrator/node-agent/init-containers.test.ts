import { expect } from 'chai';
import { podOf, useFakeAgent } from './fake-agent.ts';

const initContainers = [{ name: 'first' }, { name: 'second' }];

describe('node agent: init containers', () => {
  const agent = useFakeAgent();
  const starts = () =>
    agent()
      .runtime.calls.filter(call => call.startsWith('start '))
      .map(call => call.slice(6));
  const initialized = () =>
    agent()
      .pod()
      .status?.conditions?.find(({ type }) => type === 'Initialized');

  it('run one after the other, before the containers', async () => {
    await agent().run(podOf({ initContainers }));
    expect(starts()).to.deep.equal(['first']);
    expect(agent().state('first')).to.equal('running');
    expect(agent().state('second')).to.equal('waiting PodInitializing');
    expect(agent().state('app')).to.equal('waiting PodInitializing');
    expect(initialized()).to.include({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [first second]',
    });
    await agent().exit('first', 0);
    expect(starts()).to.deep.equal(['first', 'second']);
    expect(agent().state('first')).to.equal('terminated Completed 0');
    expect(initialized()?.message).to.equal('containers with incomplete status: [second]');
    expect(agent().phase()).to.equal('Pending');
    await agent().exit('second', 0);
    expect(starts()).to.deep.equal(['first', 'second', 'app']);
    expect(initialized()?.status).to.equal('True');
    expect(agent().phase()).to.equal('Running');
  });

  for (const restartPolicy of ['Always', 'OnFailure'] as const) {
    it(`run again until they succeed, with the delays of a crash: ${restartPolicy}`, async () => {
      await agent().run(podOf({ restartPolicy, initContainers }));
      await agent().exit('first', 2);
      expect(agent().state('first')).to.equal('running');
      await agent().exit('first', 2);
      expect(agent().state('first')).to.equal('waiting CrashLoopBackOff');
      expect(agent().status('first').restartCount).to.equal(1);
      expect(agent().phase()).to.equal('Pending');
      await agent().clock.advance(10);
      await agent().exit('first', 0);
      expect(starts()).to.deep.equal(['first', 'first', 'first', 'second']);
      await agent().exit('second', 0);
      // What has succeeded does not run again when a container does.
      await agent().exit('app', 1);
      expect(starts().slice(4)).to.deep.equal(['app', 'app']);
    });
  }

  it('fail the pod under Never', async () => {
    await agent().run(podOf({ restartPolicy: 'Never', initContainers }));
    await agent().exit('first', 2);
    expect(agent().phase()).to.equal('Failed');
    expect(starts()).to.deep.equal(['first']);
    expect(agent().state('app')).to.equal('waiting PodInitializing');
    await agent().clock.advance(60);
    expect(starts()).to.deep.equal(['first']);
    const sandbox = [...agent().runtime.containers.values()].find(({ kind }) => kind === 'sandbox');
    expect(sandbox?.state).to.equal('exited');
  });

  it('wait for their image', async () => {
    await agent().run(podOf({ initContainers: [{ name: 'first', image: 'nowhere:1' }] }));
    expect(agent().state('first')).to.equal('waiting ErrImagePull');
    expect(agent().state('app')).to.equal('waiting PodInitializing');
    expect(agent().phase()).to.equal('Pending');
  });

  it('go on with the next one after a restart of the agent', async () => {
    await agent().run(podOf({ initContainers }));
    await agent().exit('first', 0);
    await agent().restart();
    await agent().exit('second', 0);
    expect(starts()).to.deep.equal(['first', 'second', 'app']);
  });

  it('tell events under their own field path', async () => {
    await agent().run(podOf({ initContainers: [{ name: 'first' }] }));
    const paths = new Set(agent().api.events.map(({ fieldPath }) => fieldPath));
    expect([...paths]).to.deep.equal(['spec.initContainers{first}']);
  });

  it('count as done where somebody has removed them', async () => {
    await agent().run(podOf({ initContainers }));
    await agent().exit('first', 0);
    await agent().exit('second', 0);
    const { id } = agent().runtime.find('first');
    agent().runtime.containers.delete(id);
    await agent().restart();
    await agent().exit('app', 1);
    expect(agent().phase()).to.equal('Running');
    expect(agent().state('first')).to.equal('terminated Completed 0');
    expect(starts()).to.deep.equal(['first', 'second', 'app', 'app']);
  });

  it('run again in a new sandbox', async () => {
    await agent().run(podOf({ initContainers }));
    await agent().exit('first', 0);
    await agent().exit('second', 0);
    await agent().clock.advance(5);
    const sandbox = [...agent().runtime.containers.values()].find(({ kind }) => kind === 'sandbox');
    agent().runtime.exitID(sandbox?.id ?? '', 137);
    await agent().clock.advance(0);
    await agent().clock.advance(1);
    expect(starts().slice(3)).to.deep.equal(['first']);
    await agent().exit('first', 0);
    await agent().exit('second', 0);
    expect(starts().slice(3)).to.deep.equal(['first', 'second', 'app']);
    expect(agent().status('first').restartCount).to.equal(1);
    expect(agent().status('app').restartCount).to.equal(1);
  });
});
