import { expect } from 'chai';
import { type Event, eventCells, eventColumns } from '../../src/api/event.ts';
import { type Namespace, namespaceCells } from '../../src/api/namespace.ts';
import { type Node, nodeCells, nodeColumns } from '../../src/api/node.ts';
import { podColumns } from '../../src/api/pod-row.ts';
import { columnsOf } from '../../src/api/table.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };

describe('columns', () => {
  it('are those of Kubernetes', () => {
    const titles = (columns: readonly { readonly name: string; readonly priority: number }[]) =>
      columns.map(({ name, priority }) => `${name}${priority === 0 ? '' : '*'}`).join('|');
    expect(titles(podColumns)).to.equal(
      'Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*',
    );
    expect(titles(nodeColumns)).to.equal(
      'Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*',
    );
    expect(titles(eventColumns)).to.equal(
      'Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*',
    );
  });

  it('have a type, and names are known as such', () => {
    expect(columnsOf('Name', '#Count', '*#Wide')).to.deep.equal([
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      { name: 'Count', type: 'integer', format: '', description: '', priority: 0 },
      { name: 'Wide', type: 'integer', format: '', description: '', priority: 1 },
    ]);
  });
});

const event: Event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { ...metadata, namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
  type: 'Normal',
  reason: 'Started',
  message: ' it runs\n',
  source: { component: 'kubelet', host: 'n' },
  firstTimestamp: '2026-01-01T00:30:00Z',
  lastTimestamp: '2026-01-01T00:59:00Z',
  count: 5,
};
const bare: Event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'a' }, involvedObject: {} };

/** Event, and its cells. */
const events: readonly (readonly [string, Event, readonly (string | number)[]])[] = [
  [
    'in full',
    event,
    ['60s', 'Normal', 'Started', 'pod/p', 'spec.containers{a}', 'kubelet, n', 'it runs', '30m', 5, 'a'],
  ],
  ['bare', bare, ['<unknown>', '', '', '', '', '', '', '<unknown>', 1, 'a']],
  [
    'of nothing by name',
    { ...bare, involvedObject: { kind: 'Node' } },
    ['<unknown>', '', '', 'node', '', '', '', '<unknown>', 1, 'a'],
  ],
  [
    'of the newer kind',
    {
      ...bare,
      eventTime: '2026-01-01T00:30:00.000000Z',
      reportingComponent: 'c',
      reportingInstance: 'i',
      series: { count: 9, lastObservedTime: '2026-01-01T00:59:30.000000Z' },
    },
    ['30s', '', '', '', '', 'c, i', '', '30m', 9, 'a'],
  ],
];

describe('cells of events', () => {
  for (const [title, value, cells] of events) {
    it(title, () => expect(eventCells(value, now)).to.deep.equal(cells));
  }
});

const node = (status: Node['status'], more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata,
  ...more,
  ...(status === undefined ? {} : { status }),
});
const ready = (status: 'True' | 'False' | 'Unknown') => ({ conditions: [{ type: 'Ready', status }] });

/** Node, STATUS and ROLES. */
const nodes: readonly (readonly [string, Node, string, string])[] = [
  ['nothing is known of', node(undefined), 'Unknown', '<none>'],
  ['ready', node(ready('True')), 'Ready', '<none>'],
  ['not ready', node(ready('False')), 'NotReady', '<none>'],
  ['not heard of', node(ready('Unknown')), 'NotReady', '<none>'],
  ['closed', node(ready('True'), { spec: { unschedulable: true } }), 'Ready,SchedulingDisabled', '<none>'],
  [
    'with roles',
    node(ready('True'), {
      metadata: {
        ...metadata,
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '', a: 'b' },
      },
    }),
    'Ready',
    'control-plane,worker',
  ],
];

describe('cells of nodes', () => {
  for (const [title, value, status, roles] of nodes) {
    it(title, () => expect(nodeCells(value, now).slice(1, 3)).to.deep.equal([status, roles]));
  }

  it('in full, and where nothing is known', () => {
    const full = node({
      ...ready('True'),
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      nodeInfo: {
        kubeletVersion: 'v1',
        osImage: 'Debian',
        kernelVersion: '6',
        containerRuntimeVersion: 'hawser://1',
      },
    });
    expect(nodeCells(full, now).slice(3)).to.deep.equal([
      '60m',
      'v1',
      '10.0.0.1',
      '<none>',
      'Debian',
      '6',
      'hawser://1',
    ]);
    expect(nodeCells(node({}), now).slice(4)).to.deep.equal([
      '',
      '<none>',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ]);
  });
});

describe('cells of namespaces', () => {
  it('tell the phase', () => {
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata };
    expect(namespaceCells({ ...namespace, status: { phase: 'Terminating' } }, now)).to.deep.equal([
      'a',
      'Terminating',
      '60m',
    ]);
    expect(namespaceCells(namespace, now)).to.deep.equal(['a', '', '60m']);
  });
});
