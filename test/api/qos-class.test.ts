import { expect } from 'chai';
import type { Container, Pod, ResourceList } from '../../src/api/pod.ts';
import { qosClassOf } from '../../src/api/qos-class.ts';

const container = (limits?: ResourceList, requests?: ResourceList): Container => ({
  name: 'a',
  image: 'a',
  resources: { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) },
});
const pod = (containers: readonly Container[], initContainers: readonly Container[] = []): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a' },
  spec: { containers, initContainers },
});

const both = { cpu: '1', memory: '1Gi' };
const same = { cpu: '1000m', memory: '1024Mi' };
const full = container(both, both);

const rows: readonly (readonly [string, Pod, string])[] = [
  ['nothing', pod([container()]), 'BestEffort'],
  ['without resources', pod([{ name: 'a', image: 'a' }]), 'BestEffort'],
  ['other resources', pod([container({ 'example.com/gpu': '1' })]), 'BestEffort'],
  ['amounts of nothing', pod([container({ cpu: '0' }, { memory: '0' })]), 'BestEffort'],
  ['limits as requests', pod([full]), 'Guaranteed'],
  ['the same amounts in other words', pod([container(both, same)]), 'Guaranteed'],
  ['limits only, before they are defaulted', pod([container(both)]), 'Burstable'],
  ['requests only', pod([container(undefined, both)]), 'Burstable'],
  ['less than the limits', pod([container(both, { ...both, cpu: '500m' })]), 'Burstable'],
  ['one of the two', pod([container({ cpu: '1' }, { cpu: '1' })]), 'Burstable'],
  ['one container of two', pod([full, container()]), 'Burstable'],
  ['an init container without', pod([full], [container()]), 'Burstable'],
  ['an init container too', pod([full], [full]), 'Guaranteed'],
];

describe('quality of service', () => {
  for (const [title, value, expected] of rows) {
    it(`${title}: ${expected}`, () => expect(qosClassOf(value)).to.equal(expected));
  }
});
