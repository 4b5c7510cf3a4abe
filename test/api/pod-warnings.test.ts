import { expect } from 'chai';
import { defaultPod } from '../../src/api/defaults.ts';
import { podWarnings } from '../../src/api/pod-warnings.ts';
import { podOf } from './support.ts';

const first = { name: 'a', image: 'a:1' };
const exec = { exec: { command: ['x'] } };

const rows: readonly (readonly [object, readonly string[]])[] = [
  [{ containers: [first] }, []],
  [{ containers: [first], hostUsers: false, hostNetwork: true, hostPID: true }, []],
  [{ containers: [first], hostUsers: true, affinity: {} }, ['spec.affinity', 'spec.hostUsers']],
  [
    { containers: [first, { ...first, livenessProbe: exec, envFrom: [] }] },
    ['spec.containers[1].livenessProbe', 'spec.containers[1].envFrom'],
  ],
  [
    { containers: [first], initContainers: [{ ...first, restartPolicy: 'Always' }] },
    ['spec.initContainers[0].restartPolicy'],
  ],
  [
    {
      containers: [
        { ...first, securityContext: { privileged: true, seccompProfile: { type: 'Unconfined' } } },
      ],
    },
    ['spec.containers[0].securityContext.seccompProfile'],
  ],
  [
    {
      containers: [{ ...first, terminationMessagePolicy: 'FallbackToLogsOnError' }],
      securityContext: { seLinuxOptions: {} },
    },
    ['spec.securityContext.seLinuxOptions'],
  ],
];

describe('warnings about pods', () => {
  for (const [spec, paths] of rows) {
    it(paths.join(', ') || 'none', () => {
      const warnings = podWarnings(defaultPod(podOf(spec)));
      const expected = paths.map(path => `${path}: hawser does not act on this field yet`);
      expect([...warnings].sort()).to.deep.equal(expected.sort());
    });
  }
});
