import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { capabilitiesOfMask, containerCapabilities } from '../../src/runtime/oci/capabilities.ts';
import { ociSpec, type SpecOptions } from '../../src/runtime/oci-spec.ts';

const host = capabilitiesOfMask('000001ffffffffff');
const root = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };
const own = [
  { type: 'pid' },
  { type: 'ipc' },
  { type: 'uts' },
  { type: 'cgroup' },
  { type: 'network' },
] as const;
const base: SpecOptions = {
  rootfs: '/rootfs',
  args: ['/bin/app', 'serve'],
  env: ['PATH=/bin', 'HOME=/root'],
  cwd: '/srv',
  user: root,
  capabilities: containerCapabilities(host, {}),
  namespaces: own,
  hostname: 'box',
  cgroupsPath: '/hawser/id',
};

const cases: Readonly<Record<string, SpecOptions>> = {
  default: base,
  'build-step': { ...base, namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }] },
  'user-tty': {
    ...base,
    user: { uid: 1000, gid: 1000, additionalGids: [1000, 2000], home: '/home/app' },
    terminal: true,
    noNewPrivileges: true,
    readOnlyRootfs: true,
    resources: { memory: { limit: 67108864 }, cpu: { quota: 50000, period: 100000 }, pids: { limit: 100 } },
  },
  privileged: { ...base, capabilities: containerCapabilities(host, { privileged: true }), privileged: true },
  'pod-member': {
    ...base,
    namespaces: [
      { type: 'pid' },
      { type: 'network', path: '/proc/7/ns/net' },
      { type: 'ipc', path: '/proc/7/ns/ipc' },
      { type: 'uts', path: '/proc/7/ns/uts' },
      { type: 'cgroup' },
    ],
    shmPath: '/run/shm',
    sysctls: { 'net.core.somaxconn': '1024' },
    mounts: [{ destination: '/data', type: 'bind', source: '/host', options: ['rbind', 'rprivate', 'ro'] }],
  },
};

/** `UPDATE_GOLDEN=1` writes the files anew; read the difference before committing it. */
describe('OCI runtime specification', () => {
  for (const [name, options] of Object.entries(cases)) {
    it(name, () => {
      const file = new URL(`./golden/${name}.json`, import.meta.url);
      const text = `${JSON.stringify(ociSpec(options), null, 2)}\n`;
      if (process.env.UPDATE_GOLDEN !== undefined || !existsSync(file)) writeFileSync(file, text);
      expect(JSON.parse(text)).to.deep.equal(JSON.parse(readFileSync(file, 'utf8')));
    });
  }

  it('asks for nothing that needs CAP_SYS_RESOURCE', () => {
    const text = JSON.stringify(Object.values(cases).map(ociSpec));
    expect(text).to.not.contain('rlimits').and.to.not.contain('oomScoreAdj');
  });
});
