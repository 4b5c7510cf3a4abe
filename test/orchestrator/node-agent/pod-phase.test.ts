import { expect } from 'chai';
import type { ContainerState, ContainerStatus, PodSpec } from '../../../src/api/pod.ts';
import { phaseOf } from '../../../src/orchestrator/node-agent/pod-phase.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';

type State = number | 'running' | 'waiting' | 'never made' | `back-off ${number}`;

const waiting = { reason: 'Any' };

function statesOf(state: State): Pick<ContainerStatus, 'state' | 'lastState'> {
  const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode } });
  if (typeof state === 'number') return { state: ended(state), lastState: {} };
  if (state === 'running') return { state: { running: { startedAt: '' } }, lastState: {} };
  if (state === 'waiting') return { state: { waiting }, lastState: {} };
  return { state: { waiting }, lastState: ended(Number(state.split(' ')[1])) };
}

function phase(policy: NonNullable<PodSpec['restartPolicy']>, app: readonly State[], init: readonly State[]) {
  const named = (states: readonly State[], prefix: string) =>
    states.map((state, index) => ({ name: `${prefix}${index}`, state }));
  const both = [named(app, 'app'), named(init, 'init')] as const;
  const { spec } = podOf({ restartPolicy: policy, containers: both[0], initContainers: both[1] });
  const statuses = both.flat().flatMap(({ name, state }) =>
    state === 'never made'
      ? []
      : [
          {
            name,
            image: '',
            imageID: '',
            ready: false,
            restartCount: 0,
            ...statesOf(state),
          },
        ],
  );
  return phaseOf(spec, statuses);
}

/* States of the containers, of the init containers; the phase for Always, OnFailure and Never. */
const table: readonly (readonly [readonly State[], readonly State[], string])[] = [
  [['waiting'], [], 'Pending Pending Pending'],
  [['never made'], [], 'Pending Pending Pending'],
  [['running'], [], 'Running Running Running'],
  [['running', 'waiting'], [], 'Pending Pending Pending'],
  [['running', 0], [], 'Running Running Running'],
  [['running', 1], [], 'Running Running Running'],
  [['running', 'back-off 1'], [], 'Running Running Running'],
  [[0], [], 'Running Succeeded Succeeded'],
  [[0, 0], [], 'Running Succeeded Succeeded'],
  [[1], [], 'Running Running Failed'],
  [[0, 1], [], 'Running Running Failed'],
  [[137, 255], [], 'Running Running Failed'],
  [['back-off 1'], [], 'Running Running Failed'],
  [['back-off 0'], [], 'Running Running Failed'],
  [['waiting'], ['running'], 'Pending Pending Pending'],
  [['waiting'], ['waiting'], 'Pending Pending Pending'],
  [['waiting'], [0], 'Pending Pending Pending'],
  [['waiting'], [1], 'Pending Pending Failed'],
  [['waiting'], [0, 1], 'Pending Pending Failed'],
  [['waiting'], ['back-off 1'], 'Pending Pending Failed'],
  [['running'], [0, 0], 'Running Running Running'],
  [[0], [0], 'Running Succeeded Succeeded'],
];

describe('node agent: the phase of a pod', () => {
  for (const [app, init, expected] of table) {
    it(`containers ${app.join(', ')}; init ${init.join(', ') || 'none'}: ${expected}`, () => {
      const phases = (['Always', 'OnFailure', 'Never'] as const).map(policy => phase(policy, app, init));
      expect(phases.join(' ')).to.equal(expected);
    });
  }

  describe('as a pod lives', () => {
    const agent = useFakeAgent();
    const lives: readonly (readonly [NonNullable<PodSpec['restartPolicy']>, number, string, number])[] = [
      ['Always', 0, 'Running', 2],
      ['Always', 1, 'Running', 2],
      ['OnFailure', 0, 'Succeeded', 1],
      ['OnFailure', 1, 'Running', 2],
      ['Never', 0, 'Succeeded', 1],
      ['Never', 1, 'Failed', 1],
    ];
    for (const [restartPolicy, code, expected, starts] of lives) {
      it(`${restartPolicy}, exit code ${code}: ${expected} after ${starts} starts`, async () => {
        await agent().run(podOf({ restartPolicy }));
        expect(agent().phase()).to.equal('Running');
        await agent().exit('app', code);
        expect(agent().phase()).to.equal(expected);
        expect(agent().runtime.calls.filter(call => call === 'start app')).to.have.lengthOf(starts);
      });
    }
  });
});
