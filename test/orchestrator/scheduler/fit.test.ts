import { expect } from 'chai';
import { defaultPod } from '../../../src/api/defaults.ts';
import type { Node } from '../../../src/api/node.ts';
import type { Pod } from '../../../src/api/pod.ts';
import { unfitReasons } from '../../../src/orchestrator/scheduler/fit.ts';
import { podRequests } from '../../../src/orchestrator/scheduler/pod-requests.ts';
import { podOf } from '../../api/support.ts';

const container = { name: 'a', image: 'a:1' };
const pod = (spec: object = {}): Pod => defaultPod(podOf({ containers: [container], ...spec }));
const asking = (requests: object, name = 'a') => ({ ...container, name, resources: { requests } });
const port = (hostPort: number, more: object = {}) =>
  pod({ containers: [{ ...container, ports: [{ containerPort: 80, hostPort, ...more }] }] });
const node = (spec: Node['spec'] = {}, more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', labels: { disk: 'ssd' } },
  spec,
  ...more,
});
const sized = (allocatable: Readonly<Record<string, string>>) => node({}, { status: { allocatable } });
const tainted = (effect: string, value = 'v') => node({ taints: [{ key: 'k', value, effect }] });

const taint = 'node(s) had untolerated taint {k: v}';
const ports = "node(s) didn't have free ports for the requested pod ports";
const small = sized({ cpu: '2', memory: '1Gi', pods: '2' });

/** Pod, node, the pods that are on it, and why it does not fit. */
const rows: readonly (readonly [string, Pod, Node, readonly Pod[], readonly string[]])[] = [
  ['anything', pod(), node(), [], []],
  ['a closed node', pod(), node({ unschedulable: true }), [], ['node(s) were unschedulable']],
  ['a taint', pod(), tainted('NoSchedule'), [], [taint]],
  ['a taint that drives out', pod(), tainted('NoExecute'), [], [taint]],
  ['a taint that only asks', pod(), tainted('PreferNoSchedule'), [], []],
  [
    'a taint without a value',
    pod(),
    node({ taints: [{ key: 'k', effect: 'NoSchedule' }] }),
    [],
    ['node(s) had untolerated taint {k: }'],
  ],
  ['a tolerated taint', pod({ tolerations: [{ key: 'k', value: 'v' }] }), tainted('NoSchedule'), [], []],
  [
    'a toleration of another value',
    pod({ tolerations: [{ key: 'k', value: 'w' }] }),
    tainted('NoSchedule'),
    [],
    [taint],
  ],
  [
    'a toleration of another effect',
    pod({ tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] }),
    tainted('NoSchedule'),
    [],
    [taint],
  ],
  [
    'a toleration of every value',
    pod({ tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }] }),
    tainted('NoSchedule'),
    [],
    [],
  ],
  [
    'a toleration of everything',
    pod({ tolerations: [{ operator: 'Exists' }] }),
    tainted('NoExecute'),
    [],
    [],
  ],
  ['a label', pod({ nodeSelector: { disk: 'ssd' } }), node(), [], []],
  [
    'another label',
    pod({ nodeSelector: { disk: 'hdd' } }),
    node(),
    [],
    ["node(s) didn't match Pod's node affinity/selector"],
  ],
  [
    'what every object has',
    pod({ nodeSelector: { constructor: 'x' } }),
    node(),
    [],
    ["node(s) didn't match Pod's node affinity/selector"],
  ],
  ['a free port', port(80), node(), [port(81), pod()], []],
  ['a taken port', port(80), node(), [port(80)], [ports]],
  ['a port of another protocol', port(80), node(), [port(80, { protocol: 'UDP' })], []],
  [
    'a port of another address',
    port(80, { hostIP: '127.0.0.1' }),
    node(),
    [port(80, { hostIP: '127.0.0.2' })],
    [],
  ],
  ['a port of all addresses', port(80), node(), [port(80, { hostIP: '127.0.0.2' })], [ports]],
  [
    'a port of one address, where another has all',
    port(80, { hostIP: '127.0.0.1' }),
    node(),
    [port(80, { hostIP: '0.0.0.0' })],
    [ports],
  ],
  [
    'a port that the pod does not publish',
    pod({ containers: [{ ...container, ports: [{ containerPort: 80 }] }] }),
    node(),
    [port(80)],
    [],
  ],
  ['all that there is', pod({ containers: [asking({ cpu: '2', memory: '1024Mi' })] }), small, [], []],
  [
    'too much',
    pod({ containers: [asking({ cpu: '2001m', memory: '2Gi' })] }),
    small,
    [],
    ['Insufficient cpu', 'Insufficient memory'],
  ],
  [
    'too much with those that are there',
    pod({ containers: [asking({ cpu: '1.5' })] }),
    small,
    [pod({ containers: [asking({ cpu: '600m' })] })],
    ['Insufficient cpu'],
  ],
  ['one pod too many', pod(), small, [pod(), pod()], ['Too many pods']],
  ['nothing, where others want too much', pod(), small, [pod({ containers: [asking({ cpu: '9' })] })], []],
  ['what a node has that says nothing of it', pod({ containers: [asking({ cpu: '9' })] }), node(), [], []],
  [
    'what only some nodes have',
    pod({ containers: [asking({ 'example.com/gpu': '1' })] }),
    small,
    [],
    ['Insufficient example.com/gpu'],
  ],
  [
    'what this node has',
    pod({ containers: [asking({ 'example.com/gpu': '1' })] }),
    sized({ 'example.com/gpu': '1' }),
    [],
    [],
  ],
  [
    'the first thing that is wrong',
    pod({ nodeSelector: { disk: 'hdd' } }),
    tainted('NoSchedule'),
    [],
    [taint],
  ],
];

describe('scheduler: fitting', () => {
  for (const [title, wanted, on, beside, reasons] of rows) {
    it(`${title}: ${reasons.length === 0 ? 'fits' : reasons.join(', ')}`, () => {
      expect(unfitReasons(wanted, on, beside)).to.deep.equal(reasons);
    });
  }

  it('counts what runs at one time', () => {
    const requests = (spec: object) => podRequests(pod(spec)).get('cpu');
    const two = [asking({ cpu: '1' }), asking({ cpu: '2' }, 'b')];
    const init = (cpu: string, name: string, more: object = {}) => ({ ...asking({ cpu }, name), ...more });
    const beside = { restartPolicy: 'Always' };
    expect(requests({})).to.equal(undefined);
    expect(requests({ containers: two })).to.equal(3);
    expect(requests({ containers: two, initContainers: [init('2', 'i'), init('2', 'j')] })).to.equal(3);
    expect(requests({ containers: two, initContainers: [init('5', 'i')] })).to.equal(5);
    expect(requests({ containers: two, initContainers: [init('1', 's', beside)] })).to.equal(4);
    expect(requests({ containers: two, initContainers: [init('1', 's', beside), init('5', 'i')] })).to.equal(
      6,
    );
    expect(requests({ containers: two, initContainers: [init('5', 'i'), init('1', 's', beside)] })).to.equal(
      5,
    );
  });
});
