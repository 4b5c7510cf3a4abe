import { expect } from 'chai';
import { HawserError } from '../../../src/errors/hawser-error.ts';
import { type FakeAgent, podOf, useFakeAgent } from './fake-agent.ts';

const pulls = (agent: FakeAgent) => agent.runtime.calls.filter(call => call.startsWith('pull '));

/** Policy, image, whether it is in the store and in the registry; how the container stands, and whether it was pulled. */
const table: readonly (readonly [
  string | undefined,
  string,
  readonly ('local' | 'remote')[],
  string,
  number,
])[] = [
  ['Always', 'app:1', ['local', 'remote'], 'running', 1],
  ['Always', 'app:1', ['local'], 'waiting ErrImagePull', 1],
  ['IfNotPresent', 'app:1', ['local'], 'running', 0],
  ['IfNotPresent', 'app:1', ['remote'], 'running', 1],
  ['IfNotPresent', 'app:1', [], 'waiting ErrImagePull', 1],
  ['Never', 'app:1', ['local', 'remote'], 'running', 0],
  ['Never', 'app:1', ['remote'], 'waiting ErrImageNeverPull', 0],
  [undefined, 'app:1', ['local', 'remote'], 'running', 0],
  [undefined, 'app', ['local', 'remote'], 'running', 1],
  [undefined, 'app:latest', ['local', 'remote'], 'running', 1],
  [undefined, `app@sha256:${'a'.repeat(64)}`, ['local', 'remote'], 'running', 0],
  [undefined, 'App:1', [], 'waiting InvalidImageName', 0],
  ['Always', 'a b', [], 'waiting InvalidImageName', 0],
  ['Never', 'app:', [], 'waiting InvalidImageName', 0],
];

describe('node agent: images', () => {
  const agent = useFakeAgent();

  for (const [policy, image, where, expected, pulled] of table) {
    it(`${policy ?? 'no policy'}, ${image.slice(0, 14)} ${where.join(' and ') || 'nowhere'}: ${expected}`, async () => {
      const { runtime } = agent();
      runtime.remote.clear();
      if (where.includes('remote')) runtime.remote.add(image);
      if (where.includes('local')) runtime.local.add(image);
      const pod = podOf({ containers: [{ name: 'app', image }] });
      const containers = pod.spec.containers.map(container => {
        const { imagePullPolicy: _, ...bare } = container;
        return policy === undefined ? bare : { ...bare, imagePullPolicy: policy as 'Always' };
      });
      await agent().run({ ...pod, spec: { ...pod.spec, containers } });
      expect(agent().state()).to.equal(expected);
      expect(pulls(agent())).to.have.lengthOf(pulled);
    });
  }

  it('that cannot be pulled are tried again after 10 s, twice as long each time, and 300 s at most', async () => {
    const { clock } = agent();
    await agent().run(podOf({ containers: [{ name: 'app', image: 'nowhere:1' }] }));
    for (const [index, seconds] of [10, 20, 40, 80, 160, 300, 300].entries()) {
      expect(agent().state()).to.equal('waiting ErrImagePull');
      expect(agent().status().state.waiting?.message).to.equal('nowhere:1: not found');
      await clock.advance(1);
      expect(agent().state()).to.equal('waiting ImagePullBackOff');
      expect(agent().status().state.waiting?.message).to.equal('Back-off pulling image "nowhere:1"');
      expect(agent().phase()).to.equal('Pending');
      await clock.advance(seconds - 2);
      expect(pulls(agent())).to.have.lengthOf(index + 1);
      await clock.advance(1);
      expect(pulls(agent())).to.have.lengthOf(index + 2);
    }
    agent().runtime.remote.add('nowhere:1');
    await clock.advance(300);
    expect(agent().state()).to.equal('running');
    expect(agent().status().restartCount).to.equal(0);
  });

  it('tell what happens to them in events', async () => {
    await agent().run(podOf({ containers: [{ name: 'app', image: 'nowhere:1' }] }));
    await agent().clock.advance(1);
    const told = agent().api.events.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    expect(told).to.deep.equal([
      'Normal Pulling Pulling image "nowhere:1"',
      'Warning Failed Failed to pull image "nowhere:1": nowhere:1: not found',
      'Warning Failed Error: ErrImagePull',
      'Normal BackOff Back-off pulling image "nowhere:1"',
      'Warning Failed Error: ImagePullBackOff',
    ]);
  });

  it('that are missing under Never are looked for again', async () => {
    await agent().run(podOf({ containers: [{ name: 'app', image: 'own:1', imagePullPolicy: 'Never' }] }));
    expect(agent().status().state.waiting?.message).to.equal(
      'Container image "own:1" is not present with pull policy of Never',
    );
    agent().runtime.local.add('own:1');
    await agent().clock.advance(10);
    expect(agent().state()).to.equal('running');
    expect(agent().api.reasons()).to.deep.equal([
      'ErrImageNeverPull',
      'Failed',
      'Pulled',
      'Created',
      'Started',
    ]);
  });

  it('that cannot be read are told of', async () => {
    agent().runtime.inspectFailure = new HawserError('STORE_CORRUPT', 'the manifest is no JSON');
    await agent().run(podOf());
    expect(agent().state()).to.equal('waiting ImageInspectError');
    expect(agent().status().state.waiting?.message).to.equal(
      'Failed to inspect image "app:1": the manifest is no JSON',
    );
    agent().runtime.inspectFailure = undefined;
    await agent().clock.advance(10);
    expect(agent().state()).to.equal('running');
  });

  it('are changed while they cannot be had', async () => {
    await agent().run(podOf({ containers: [{ name: 'app', image: 'nowhere:1' }] }));
    await agent().clock.advance(5);
    const pod = agent().pod();
    const containers = pod.spec.containers.map(container => ({ ...container, image: 'app:1' }));
    await agent().run({ ...pod, spec: { ...pod.spec, containers } });
    expect(agent().state()).to.equal('running');
  });

  it('of one container do not hold up another', async () => {
    await agent().run(
      podOf({
        containers: [
          { name: 'app', image: 'nowhere:1' },
          { name: 'other', image: 'other:1' },
        ],
      }),
    );
    expect(agent().state('app')).to.equal('waiting ErrImagePull');
    expect(agent().state('other')).to.equal('running');
    expect(agent().phase()).to.equal('Pending');
  });

  it('are pulled no further when the pod has to go', async () => {
    agent().runtime.endlessPull = true;
    await agent().run(podOf());
    expect(agent().state()).to.equal('waiting ContainerCreating');
    await agent().deletePod(30);
    expect(agent().api.pods.size).to.equal(0);
    expect(agent().runtime.containers.size).to.equal(0);
  });
});
