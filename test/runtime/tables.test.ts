import { expect } from 'chai';
import { parseLogLine, timeOfLog } from '../../src/runtime/log-format.ts';
import { parseMountFlag, parseTmpfsFlag, parseVolumeFlag } from '../../src/runtime/mount-options.ts';
import { formatPortMapping, parsePortMapping } from '../../src/runtime/network/port-mappings.ts';
import { freeSubnet, networksOverlap, parseNetwork, parseRoutes } from '../../src/runtime/network/subnet.ts';
import { capabilitiesOfMask, containerCapabilities } from '../../src/runtime/oci/capabilities.ts';
import { hostsFile, resolverConfiguration } from '../../src/runtime/resolver-files.ts';
import { runtimeError } from '../../src/runtime/runc.ts';
import { parseSignal } from '../../src/runtime/signals.ts';

const ports: readonly (readonly [string, readonly string[]])[] = [
  ['80', ['0.0.0.0:0->80/tcp']],
  ['8080:80', ['0.0.0.0:8080->80/tcp']],
  ['8080:80/UDP', ['0.0.0.0:8080->80/udp']],
  ['127.0.0.1:8080:80', ['127.0.0.1:8080->80/tcp']],
  ['127.0.0.1::80', ['127.0.0.1:0->80/tcp']],
  ['[::1]:8080:80/tcp', ['[::1]:8080->80/tcp']],
  ['8000-8002:9000-9002', ['0.0.0.0:8000->9000/tcp', '0.0.0.0:8001->9001/tcp', '0.0.0.0:8002->9002/tcp']],
  ['9000-9001', ['0.0.0.0:0->9000/tcp', '0.0.0.0:0->9001/tcp']],
  ['8000-8010:80', ['0.0.0.0:8000->80/tcp']],
];
const wrongPorts = [
  '',
  ':',
  '80/sctp',
  '80/tcp/udp',
  'a:80',
  '8080:b',
  '0:80',
  '8080:0',
  '70000:80',
  '9-8:9-8',
].concat(['1-2:1-3', 'host:80:80', '::1:80:80', '1:2:3:4', '300.1.1.1:80:80']);

const volumes: readonly (readonly [string, object])[] = [
  ['/data', { type: 'volume', target: '/data' }],
  ['/data:ro', { type: 'volume', target: '/data', readOnly: true }],
  ['name:/data', { type: 'volume', name: 'name', target: '/data' }],
  ['/host:/data', { type: 'bind', source: '<>/host', target: '/data' }],
  ['./rel:/data:ro,z', { type: 'bind', source: '<>./rel', target: '/data', readOnly: true }],
  ['/host:/data:rw', { type: 'bind', source: '<>/host', target: '/data' }],
];
const wrongVolumes = [
  '',
  'name',
  ':/data',
  '/a:/b:/c:ro',
  '/a:b',
  '/a:/b:rx',
  '/host:/',
  'na me:/data',
  '-n:/data',
];

const mounts: readonly (readonly [string, object])[] = [
  ['type=bind,source=/h,target=/t', { type: 'bind', source: '<>/h', target: '/t', mustExist: true }],
  [
    'type=bind,src=/h,dst=/t,readonly',
    { type: 'bind', source: '<>/h', target: '/t', readOnly: true, mustExist: true },
  ],
  ['type=volume,source=v,destination=/t,readonly=false', { type: 'volume', name: 'v', target: '/t' }],
  ['target=/t', { type: 'volume', target: '/t' }],
  [
    'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700',
    { type: 'tmpfs', target: '/t', size: 1048576, mode: 0o700 },
  ],
];
const wrongMounts = [
  'type=bind,target=/t',
  'type=nfs,target=/t',
  'type=volume',
  'type=volume,target=t',
  'type=bind,foo=1,target=/t',
];

describe('-p', () => {
  for (const [text, expected] of ports) {
    it(text, () => expect(parsePortMapping(text).map(formatPortMapping)).to.deep.equal(expected));
  }
  for (const text of wrongPorts) {
    it(`${JSON.stringify(text)} is refused`, () =>
      expect(() => parsePortMapping(text)).to.throw(/malformed/));
  }
});

describe('-v, --mount, --tmpfs', () => {
  const resolve = (path: string) => `<>${path}`;
  for (const [text, expected] of volumes) {
    it(`-v ${text}`, () => expect(parseVolumeFlag(text, resolve)).to.deep.equal(expected));
  }
  for (const [text, expected] of mounts) {
    it(`--mount ${text}`, () => expect(parseMountFlag(text, resolve)).to.deep.equal(expected));
  }
  for (const text of wrongVolumes) {
    it(`-v ${JSON.stringify(text)} is refused`, () =>
      expect(() => parseVolumeFlag(text, resolve)).to.throw());
  }
  for (const text of wrongMounts) {
    it(`--mount ${text} is refused`, () => expect(() => parseMountFlag(text, resolve)).to.throw(/--mount/));
  }
  it('--tmpfs', () => {
    expect(parseTmpfsFlag('/t:size=64m,mode=755')).to.deep.equal({
      type: 'tmpfs',
      target: '/t',
      size: 67108864,
      mode: 0o755,
    });
    expect(parseTmpfsFlag('/t')).to.deep.equal({ type: 'tmpfs', target: '/t' });
    expect(() => parseTmpfsFlag('t')).to.throw(/not absolute/);
  });
});

describe('subnets', () => {
  const route = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n';
  it('reads the kernel’s routes', () => {
    const text = `${route}eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\neth0\t0000590A\t0\t1\t0\t0\t0\t0000FFFF\t0\n`;
    expect(parseRoutes(text)).to.deep.equal([parseNetwork('10.89.0.0/16')]);
  });
  it('takes the first that no route leads into', () => {
    expect(freeSubnet([])).to.equal('10.89.0.0/16');
    expect(freeSubnet([parseNetwork('10.89.3.0/24')])).to.equal('10.90.0.0/16');
    expect(() => freeSubnet([parseNetwork('10.0.0.0/8')])).to.throw(/no subnet/);
  });
  it('overlaps', () => {
    expect(networksOverlap(parseNetwork('10.89.0.0/16'), parseNetwork('10.89.255.1/32'))).to.equal(true);
    expect(networksOverlap(parseNetwork('10.89.0.0/16'), parseNetwork('10.90.0.0/16'))).to.equal(false);
  });
});

describe('a log line', () => {
  const time = '2026-11-24T14:54:09.588123456+00:00';
  const cases: readonly (readonly [string, readonly [string, string, boolean] | undefined])[] = [
    [`${time} stdout F hello`, ['stdout', 'hello\n', false]],
    [`${time} stderr P part`, ['stderr', 'part', true]],
    [`${time} stdout F `, ['stdout', '\n', false]],
    [`${time} stdout F`, ['stdout', '\n', false]],
    [`${time} stdout F  two  blanks `, ['stdout', ' two  blanks \n', false]],
    [`${time} stdout F:tag x`, ['stdout', 'x\n', false]],
    [`${time} stdin F x`, undefined],
    [`${time} stdout X x`, undefined],
    ['', undefined],
    ['half a li', undefined],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text.replace(time, 'TIME')), () => {
      const line = parseLogLine(Buffer.from(text));
      expect(line && [line.stream, line.content.toString(), line.partial]).to.deep.equal(expected);
    });
  }
  it('carries bytes that are no text', () => {
    const line = parseLogLine(
      Buffer.concat([Buffer.from(`${time} stdout P `), Buffer.from([0xff, 0, 0xfe])]),
    );
    expect(line?.content).to.deep.equal(Buffer.from([0xff, 0, 0xfe]));
  });
  it('has a time to the nanosecond, whatever the zone', () => {
    expect(timeOfLog('1970-01-01T00:00:01.000000005Z')).to.equal(1_000_000_005n);
    expect(timeOfLog('1970-01-01T01:00:01.5+01:00')).to.equal(1_500_000_000n);
    expect(timeOfLog('yesterday')).to.equal(undefined);
  });
});

describe('capabilities', () => {
  const host = capabilitiesOfMask('000001fffeffffff');
  it('a host lacks what its bounding set lacks', () => {
    expect(host).to.include('CAP_SYS_ADMIN');
    expect(host).to.include('CAP_CHECKPOINT_RESTORE');
    expect(host).to.not.include('CAP_SYS_RESOURCE');
  });
  it('are never more than the host’s', () => {
    expect(containerCapabilities(['CAP_CHOWN'], {})).to.deep.equal(['CAP_CHOWN']);
    expect(containerCapabilities(host, { add: ['SYS_RESOURCE'] })).to.not.include('CAP_SYS_RESOURCE');
    expect(containerCapabilities(host, { privileged: true })).to.deep.equal(host);
  });
  it('are 14 by default, and change with add and drop', () => {
    expect(containerCapabilities(host, {})).to.have.length(14);
    expect(containerCapabilities(host, { drop: ['ALL'], add: ['NET_ADMIN'] })).to.deep.equal([
      'CAP_NET_ADMIN',
    ]);
    expect(containerCapabilities(host, { add: ['all'], drop: ['cap_sys_admin'] })).to.not.include(
      'CAP_SYS_ADMIN',
    );
    expect(() => containerCapabilities(host, { add: ['NET_ADMINN'] })).to.throw(/no capability "NET_ADMINN"/);
  });
});

describe('resolver files', () => {
  const read = (files: Record<string, string>) => (path: string) => files[path] ?? '';
  const host = { '/etc/resolv.conf': '# c\nnameserver 127.0.0.53\nsearch a.example\noptions ndots:2\n' };
  it('are the host’s on its own network', () => {
    expect(resolverConfiguration({ ownNetwork: false }, read(host))).to.equal(
      'nameserver 127.0.0.53\nsearch a.example\noptions ndots:2\n',
    );
  });
  it('leave a loopback resolver, which another network cannot reach', () => {
    const real = { ...host, '/run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.2\n' };
    expect(resolverConfiguration({ ownNetwork: true }, read(real))).to.contain('nameserver 10.0.0.2\n');
    expect(resolverConfiguration({ ownNetwork: true }, read(host))).to.contain('nameserver 8.8.8.8\n');
  });
  it('take --dns over all', () => {
    const dns = { servers: ['1.2.3.4'], search: [], options: ['rotate'] };
    expect(resolverConfiguration({ ownNetwork: true, dns }, read(host))).to.equal(
      'nameserver 1.2.3.4\noptions rotate\n',
    );
  });
  it('extend the host’s, each once and the last option of a name', () => {
    const dns = { servers: ['1.2.3.4'], search: ['a.example', 'b'], options: ['ndots:5'], extend: true };
    expect(resolverConfiguration({ ownNetwork: false, dns }, read(host))).to.equal(
      'nameserver 127.0.0.53\nnameserver 1.2.3.4\nsearch a.example b\noptions ndots:5\n',
    );
  });
  it('name the container itself and what --add-host says', () => {
    const text = hostsFile([{ host: 'db', address: '10.0.0.9' }], { hostname: 'me', address: '10.89.0.2' });
    expect(text)
      .to.contain('10.89.0.2\tme\n10.0.0.9\tdb\n')
      .and.to.match(/^127\.0\.0\.1\tlocalhost\n/);
  });
});

describe('what a runtime says', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['exec: "nope": executable file not found in $PATH', 'COMMAND_NOT_FOUND'],
    ['exec: "/nope": stat /nope: no such file or directory', 'COMMAND_NOT_FOUND'],
    ['exec: "/etc": permission denied', 'COMMAND_NOT_EXECUTABLE'],
    ['exec /x: exec format error', 'COMMAND_NOT_EXECUTABLE'],
    ['error mounting "/a" to rootfs', 'RUNTIME_FAILED'],
    ['', 'RUNTIME_FAILED'],
    // crun 1.8
    ['executable file `nope` not found in $PATH: No such file or directory', 'COMMAND_NOT_FOUND'],
    [
      'exec container process (missing dynamic library?) `/x`: No such file or directory',
      'COMMAND_NOT_FOUND',
    ],
    ['exec container process `/x`: Exec format error', 'COMMAND_NOT_EXECUTABLE'],
    ['open executable: Permission denied', 'COMMAND_NOT_EXECUTABLE'],
    ['open executable: Operation not permitted', 'COMMAND_NOT_EXECUTABLE'],
    ['mount `proc` to `proc`: Operation not permitted', 'RUNTIME_FAILED'],
  ];
  for (const [text, code] of cases) {
    it(`${text} is ${code}`, () => {
      const plain = `runc create failed: unable to start container process: ${text}`;
      expect(runtimeError('x', plain).code).to.equal(code);
      const json = JSON.stringify({ level: 'error', msg: plain, time: 'now' });
      expect(runtimeError('x', json).code).to.equal(code);
      expect(runtimeError('x', `time="now" level=error msg=${JSON.stringify(plain)}`).code).to.equal(code);
    });
  }
});

describe('a signal', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
  ];
  for (const [text, expected] of cases) it(text, () => expect(parseSignal(text)).to.equal(expected));
  for (const text of ['', '0', '65', 'SIGNOPE', 'RTMIN+99']) {
    it(`${JSON.stringify(text)} is refused`, () => expect(() => parseSignal(text)).to.throw(/not a signal/));
  }
});
