import { expect } from 'chai';
import type { ContainerState, Pod, PodCondition, PodSpec } from '../../src/api/pod.ts';
import { podCells } from '../../src/api/pod-row.ts';
import { container, podWith, statusOf } from './support.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const running: ContainerState = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const waiting = (reason: string): ContainerState => ({ waiting: { reason } });
const ended = (exitCode: number, reason?: string, signal?: number): ContainerState => ({
  terminated: {
    exitCode,
    ...(reason === undefined ? {} : { reason }),
    ...(signal === undefined ? {} : { signal }),
    finishedAt: '2026-01-01T00:55:00Z',
  },
});
const condition = (type: string, status: PodCondition['status'] = 'True', reason = ''): PodCondition => ({
  type,
  status,
  reason,
});
const two: Partial<PodSpec> = { containers: [container, { ...container, name: 'b' }] };
const init: Partial<PodSpec> = {
  initContainers: [
    { ...container, name: 'i' },
    { ...container, name: 'j' },
  ],
};
const sidecar: Partial<PodSpec> = { initContainers: [{ ...container, name: 's', restartPolicy: 'Always' }] };
const inState = (state: ContainerState, more: object = {}) => statusOf({ state, ready: false, ...more });
const deleted = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T01:00:30Z' },
});

/** What is the case; the pod; READY, STATUS, RESTARTS. */
const rows: readonly (readonly [string, Pod, string, string, string])[] = [
  ['nobody has looked after it', podWith({ phase: 'Pending' }), '0/1', 'Pending', '0'],
  ['no status', podWith({}), '0/1', '', '0'],
  [
    'a reason of its own',
    podWith({ phase: 'Failed', reason: 'DeadlineExceeded' }),
    '0/1',
    'DeadlineExceeded',
    '0',
  ],
  [
    'a gate',
    podWith({ phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'SchedulingGated')] }),
    '0/1',
    'SchedulingGated',
    '0',
  ],
  ['runs', podWith({ phase: 'Running', containerStatuses: [statusOf()] }), '1/1', 'Running', '0'],
  [
    'runs, not ready',
    podWith({ phase: 'Running', containerStatuses: [statusOf({ ready: false })] }),
    '0/1',
    'Running',
    '0',
  ],
  [
    'is being made',
    podWith({ phase: 'Pending', containerStatuses: [inState(waiting('ContainerCreating'))] }),
    '0/1',
    'ContainerCreating',
    '0',
  ],
  [
    'waits without a reason',
    podWith({ phase: 'Pending', containerStatuses: [inState({ waiting: {} })] }),
    '0/1',
    'Pending',
    '0',
  ],
  [
    'one of two waits',
    podWith(
      {
        phase: 'Running',
        containerStatuses: [statusOf(), inState(waiting('ImagePullBackOff'), { name: 'b' })],
      },
      two,
    ),
    '1/2',
    'ImagePullBackOff',
    '0',
  ],
  [
    'the first one says it',
    podWith(
      {
        phase: 'Running',
        containerStatuses: [inState(waiting('CrashLoopBackOff')), inState(ended(1, 'Error'), { name: 'b' })],
      },
      two,
    ),
    '0/2',
    'CrashLoopBackOff',
    '0',
  ],
  [
    'done',
    podWith({ phase: 'Succeeded', containerStatuses: [inState(ended(0, 'Completed'))] }),
    '0/1',
    'Completed',
    '0',
  ],
  [
    'failed',
    podWith({ phase: 'Failed', containerStatuses: [inState(ended(1, 'Error'))] }),
    '0/1',
    'Error',
    '0',
  ],
  [
    'a code without a reason',
    podWith({ phase: 'Failed', containerStatuses: [inState(ended(3))] }),
    '0/1',
    'ExitCode:3',
    '0',
  ],
  [
    'a signal without a reason',
    podWith({ phase: 'Failed', containerStatuses: [inState(ended(137, '', 9))] }),
    '0/1',
    'Signal:9',
    '0',
  ],
  [
    'one of two done, the other ready',
    podWith(
      {
        phase: 'Running',
        conditions: [condition('Ready')],
        containerStatuses: [inState(ended(0, 'Completed')), statusOf({ name: 'b' })],
      },
      two,
    ),
    '1/2',
    'Running',
    '0',
  ],
  [
    'one of two done, the pod not ready',
    podWith(
      { phase: 'Running', containerStatuses: [inState(ended(0, 'Completed')), statusOf({ name: 'b' })] },
      two,
    ),
    '1/2',
    'NotReady',
    '0',
  ],
  [
    'has crashed',
    podWith({
      phase: 'Running',
      containerStatuses: [statusOf({ restartCount: 3, lastState: ended(1, 'Error') })],
    }),
    '1/1',
    'Running',
    '3 (5m ago)',
  ],
  [
    'has crashed nobody knows when',
    podWith({ phase: 'Running', containerStatuses: [statusOf({ restartCount: 3 })] }),
    '1/1',
    'Running',
    '3',
  ],
  [
    'the first init container is to come',
    podWith(
      { phase: 'Pending', initContainerStatuses: [inState(waiting('PodInitializing'), { name: 'i' })] },
      init,
    ),
    '0/1',
    'Init:0/2',
    '0',
  ],
  [
    'the second one runs',
    podWith(
      {
        phase: 'Pending',
        initContainerStatuses: [
          inState(ended(0, 'Completed'), { name: 'i' }),
          inState(running, { name: 'j' }),
        ],
        containerStatuses: [inState(waiting('PodInitializing'))],
      },
      init,
    ),
    '0/1',
    'Init:1/2',
    '0',
  ],
  [
    'an init container cannot be pulled',
    podWith(
      { phase: 'Pending', initContainerStatuses: [inState(waiting('ErrImagePull'), { name: 'i' })] },
      init,
    ),
    '0/1',
    'Init:ErrImagePull',
    '0',
  ],
  [
    'an init container crashes; those after it do not count',
    podWith(
      {
        phase: 'Pending',
        initContainerStatuses: [
          inState(waiting('CrashLoopBackOff'), { name: 'i', restartCount: 2, lastState: ended(1) }),
          inState(waiting('PodInitializing'), { name: 'j', restartCount: 7 }),
        ],
      },
      init,
    ),
    '0/1',
    'Init:CrashLoopBackOff',
    '2 (5m ago)',
  ],
  [
    'an init container failed',
    podWith({ phase: 'Failed', initContainerStatuses: [inState(ended(1, 'Error'), { name: 'i' })] }, init),
    '0/1',
    'Init:Error',
    '0',
  ],
  [
    'by a code',
    podWith({ phase: 'Failed', initContainerStatuses: [inState(ended(2), { name: 'i' })] }, init),
    '0/1',
    'Init:ExitCode:2',
    '0',
  ],
  [
    'by a signal',
    podWith({ phase: 'Failed', initContainerStatuses: [inState(ended(137, '', 9), { name: 'i' })] }, init),
    '0/1',
    'Init:Signal:9',
    '0',
  ],
  [
    'restarts of init containers are forgotten when they are done',
    podWith(
      {
        phase: 'Running',
        initContainerStatuses: [
          inState(ended(0), { name: 'i', restartCount: 4 }),
          inState(ended(0), { name: 'j' }),
        ],
        containerStatuses: [statusOf({ restartCount: 1 })],
      },
      init,
    ),
    '1/1',
    'Running',
    '1',
  ],
  [
    'an init container runs again after a restart of the sandbox',
    podWith(
      {
        phase: 'Running',
        conditions: [condition('Initialized')],
        initContainerStatuses: [inState(running, { name: 'i' })],
        containerStatuses: [inState(ended(1, 'Error'))],
      },
      init,
    ),
    '0/1',
    'Error',
    '0',
  ],
  [
    'a sidecar runs beside',
    podWith(
      {
        phase: 'Running',
        initContainerStatuses: [statusOf({ name: 's', started: true, restartCount: 2 })],
        containerStatuses: [statusOf({ restartCount: 1 })],
      },
      sidecar,
    ),
    '2/2',
    'Running',
    '3',
  ],
  [
    'a sidecar has not started',
    podWith({ phase: 'Pending', initContainerStatuses: [statusOf({ name: 's', started: false })] }, sidecar),
    '0/2',
    'Init:0/1',
    '0',
  ],
  [
    'is deleted',
    deleted(podWith({ phase: 'Running', containerStatuses: [statusOf()] })),
    '1/1',
    'Terminating',
    '0',
  ],
  [
    'is deleted when done',
    deleted(podWith({ phase: 'Succeeded', containerStatuses: [inState(ended(0, 'Completed'))] })),
    '0/1',
    'Completed',
    '0',
  ],
  ['its node is lost', deleted(podWith({ phase: 'Running', reason: 'NodeLost' })), '0/1', 'Unknown', '0'],
];

describe('rows of pods', () => {
  for (const [title, pod, ready, status, restarts] of rows) {
    it(`${title}: ${status}`, () => {
      expect(podCells(pod, now).slice(1, 4)).to.deep.equal([ready, status, restarts]);
    });
  }

  it('have a cell for each column', () => {
    const pod = podWith(
      {
        phase: 'Running',
        podIP: '10.0.0.2',
        podIPs: [{ ip: '10.0.0.2' }, { ip: 'fd00::2' }],
        conditions: [condition('a')],
      },
      { nodeName: 'n', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] },
    );
    const made = { ...pod, metadata: { ...pod.metadata, creationTimestamp: '2026-01-01T00:00:00Z' } };
    expect(podCells(made, now)).to.deep.equal([
      'a',
      '0/1',
      'Running',
      '0',
      '60m',
      '10.0.0.2',
      'n',
      '<none>',
      '1/2',
    ]);
    expect(podCells(podWith({ phase: 'Pending' }), now)).to.deep.equal([
      'a',
      '0/1',
      'Pending',
      '0',
      '<unknown>',
      '<none>',
      '<none>',
      '<none>',
      '<none>',
    ]);
  });
});
