import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { Container, Pod, PodSpec } from '../../src/api/pod.ts';
import { digestOf } from '../../src/image/digest.ts';
import { enginePodRuntime } from '../../src/orchestrator/node-agent/engine-pod-runtime.ts';
import { listContainers, stateOf } from '../../src/runtime/container-state.ts';
import { createContainer } from '../../src/runtime/create-container.ts';
import { removeContainer } from '../../src/runtime/remove-container.ts';
import { disposeEngine, lackingForContainers } from '../runtime/support/engine.ts';
import { leftovers } from './support/leftovers.ts';
import { type OpenedCluster, openCluster, type StoreKind } from './support/open-cluster.ts';
import { PodClient } from './support/pod-client.ts';

/** Ends at once when told to. */
const idle = 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done';

const image = 'busybox:1';

function sh(script: string, over: Partial<Container> = {}): Container {
  return { name: 'app', image, command: ['sh', '-c', script], ...over };
}

/** A port of this machine that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The body of an answer; a server that has just been started has a while to listen. */
async function answerOf(url: string): Promise<string> {
  for (const end = Date.now() + 10_000; ; await delay(20)) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(2000) })).text();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

interface Bench {
  readonly folder: string;
  opened: OpenedCluster;
  pods: PodClient;
}

/** A cluster for the tests of a block; after each, its pods go and nothing of them may be left. */
function useCluster(kind: StoreKind): Bench {
  const bench = {} as { -readonly [Key in keyof Bench]: Bench[Key] };
  before(async () => {
    bench.folder = mkdtempSync(join(tmpdir(), 'hawser-pods-'));
    bench.opened = await openCluster(bench.folder, kind);
    bench.pods = new PodClient(bench.opened.cluster.url);
  });
  afterEach(async () => {
    const { opened, pods } = bench;
    const containers = listContainers(opened.engine);
    const ids = containers.map(({ record }) => record.id);
    const all = await pods.list();
    await Promise.all(all.map(({ metadata }) => pods.delete(metadata.name)));
    const uids = all.map(({ metadata }) => metadata.uid ?? '');
    expect(await leftovers(opened.engine, { uids, ids })).to.deep.equal([]);
    expect(opened.log).to.deep.equal([]);
  });
  after(async () => {
    if (bench.opened === undefined) return;
    await bench.opened.cluster.close();
    await disposeEngine(bench.opened.engine, bench.folder);
  });
  return bench;
}

const inPod = (bench: Bench, { metadata }: Pod) =>
  listContainers(bench.opened.engine).filter(
    ({ record }) => record.labels['io.kubernetes.pod.uid'] === metadata.uid,
  );

function sandboxProcess(bench: Bench, pod: Pod): number {
  const sandbox = inPod(bench, pod).find(({ record }) => record.kind === 'sandbox');
  return stateOf(bench.opened.engine, sandbox?.record.id ?? '').pid ?? 0;
}

const namespaceOf = (pid: number | 'self', name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
const printNamespaces =
  'for n in net ipc uts pid mnt; do echo $n $(readlink /proc/self/ns/$n); done; echo end';

describe('pods over real containers', function () {
  this.timeout(60_000);

  before(function () {
    const missing = lackingForContainers();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing} is missing`);
      this.skip();
    }
  });

  describe('with a durable store', () => {
    const bench = useCluster('lmdb');
    const namespacesIn = async (name: string, container: string) => {
      const text = await bench.pods.logUntil(name, 'end', { container });
      return Object.fromEntries(
        text
          .trim()
          .split('\n')
          .slice(0, -1)
          .map(line => line.split(' ') as [string, string]),
      );
    };
    const run = async (spec: PodSpec, name = 'web') => {
      await bench.pods.create(name, spec);
      return bench.pods.ended(name);
    };
    /** What one that runs to its end has to say. */
    const outputOf = async (script: string, spec: Partial<PodSpec> = {}, over: Partial<Container> = {}) => {
      await run({ restartPolicy: 'Never', ...spec, containers: [sh(script, over)] });
      return bench.pods.log('web');
    };

    it('share network, IPC and host name, and answer at a port of the host', async () => {
      const hostPort = await freePort();
      const serve = { name: 'serve', image, command: ['httpd', '-f', '-p', '8080', '-h', '/www'] };
      await bench.pods.create('web', {
        terminationGracePeriodSeconds: 0,
        containers: [
          { ...serve, ports: [{ containerPort: 8080, hostPort }] },
          sh(`${printNamespaces}; ${idle}`, { name: 'one' }),
          sh(`${printNamespaces}; ${idle}`, { name: 'two' }),
        ],
      });
      const pod = await bench.pods.running('web');
      const pause = sandboxProcess(bench, pod);
      const [one, two] = [await namespacesIn('web', 'one'), await namespacesIn('web', 'two')];
      for (const name of ['net', 'ipc', 'uts']) {
        expect(one[name], name).to.equal(namespaceOf(pause, name));
        expect(two[name], name).to.equal(namespaceOf(pause, name));
        expect(one[name], name).to.not.equal(namespaceOf('self', name));
      }
      for (const name of ['pid', 'mnt']) {
        expect(one[name], name).to.not.equal(two[name]);
        expect(one[name], name).to.not.equal(namespaceOf(pause, name));
      }
      const urls = [
        `http://127.0.0.1:${hostPort}/`,
        `http://${pod.status?.hostIP}:${hostPort}/`,
        `http://${pod.status?.podIP}:8080/`,
      ];
      for (const url of urls) expect(await answerOf(url), url).to.equal('hello from the image\n');
    });

    it('reach each other over localhost, shared memory and volumes', async () => {
      const serve = 'echo memory > /dev/shm/x; echo volume > /v/x; exec httpd -f -p 8080 -h /www';
      const ask =
        'until wget -qO- http://127.0.0.1:8080/index.html 2>/dev/null; do sleep 0.02; done; cat /dev/shm/x /w/x; hostname; echo $HOSTNAME';
      await bench.pods.create('web', {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: 'v' }],
        containers: [
          sh(serve, { name: 'serve', volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
          sh(ask, { volumeMounts: [{ name: 'v', mountPath: '/w', readOnly: true }] }),
        ],
      });
      await bench.pods.until('web', ({ status }) =>
        Boolean(status?.containerStatuses?.some(({ name, state }) => name === 'app' && state.terminated)),
      );
      expect(await bench.pods.log('web', { container: 'app' })).to.equal(
        'hello from the image\nmemory\nvolume\nweb\nweb\n',
      );
    });

    it('on the network of the host', async () => {
      const port = await freePort();
      await bench.pods.create('web', {
        hostNetwork: true,
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'serve', image, command: ['httpd', '-f', '-p', String(port), '-h', '/www'] },
          sh(`${printNamespaces}; ${idle}`),
        ],
      });
      const { status } = await bench.pods.running('web');
      expect(status?.podIP).to.equal(status?.hostIP);
      expect(await answerOf(`http://127.0.0.1:${port}/`)).to.equal('hello from the image\n');
      const names = await namespacesIn('web', 'app');
      expect(names['net']).to.equal(namespaceOf('self', 'net'));
      expect(names['ipc']).to.not.equal(namespaceOf('self', 'ipc'));
    });

    it('with the processes and the IPC of the host, or the processes of each other', async () => {
      const containers = [sh(`${printNamespaces}; ${idle}`)];
      await bench.pods.create('host', { hostPID: true, hostIPC: true, containers });
      await bench.pods.create('web', {
        shareProcessNamespace: true,
        containers: [...containers, sh(`ps -o args; echo end; ${idle}`, { name: 'other' })],
      });
      await bench.pods.running('host');
      const pod = await bench.pods.running('web');
      const host = await namespacesIn('host', 'app');
      expect(host['pid']).to.equal(namespaceOf('self', 'pid'));
      expect(host['ipc']).to.equal(namespaceOf('self', 'ipc'));
      expect(host['net']).to.not.equal(namespaceOf('self', 'net'));
      const own = await namespacesIn('web', 'app');
      expect(own['pid']).to.equal(namespaceOf(sandboxProcess(bench, pod), 'pid'));
      expect(await bench.pods.logUntil('web', 'end', { container: 'other' })).to.contain('/pause');
    });

    /* Policy, script, phase, exit code of the last attempt, restarts. */
    const ends: readonly (readonly [
      NonNullable<PodSpec['restartPolicy']>,
      string,
      string,
      number,
      number,
    ])[] = [
      ['Never', 'exit 0', 'Succeeded', 0, 0],
      ['Never', 'exit 3', 'Failed', 3, 0],
      ['OnFailure', 'exit 0', 'Succeeded', 0, 0],
      ['OnFailure', 'test -e /v/x || { touch /v/x; exit 4; }', 'Succeeded', 0, 1],
    ];
    for (const [restartPolicy, script, phase, exitCode, restartCount] of ends) {
      it(`end: ${restartPolicy}, ${script}: ${phase}`, async () => {
        const app = sh(script, { volumeMounts: [{ name: 'v', mountPath: '/v' }] });
        const { status } = await run({ restartPolicy, volumes: [{ name: 'v' }], containers: [app] });
        expect(status?.phase).to.equal(phase);
        const [own] = status?.containerStatuses ?? [];
        expect(own?.state.terminated?.exitCode).to.equal(exitCode);
        expect(own?.restartCount).to.equal(restartCount);
        if (restartCount > 0) expect(own?.lastState.terminated?.exitCode).to.equal(4);
      });
    }

    it('are started again under Always, and wait when they crash again', async () => {
      await bench.pods.create('web', { containers: [sh('echo run; exit 0')] });
      const pod = await bench.pods.until(
        'web',
        ({ status }) => status?.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
      );
      const { status } = pod;
      expect(status?.phase).to.equal('Running');
      expect(status?.containerStatuses?.[0]).to.deep.include({ restartCount: 1, ready: false });
      const events = (await bench.pods.events(pod, 'BackOff')).map(
        ({ reason, count }) => `${reason} ${count}`,
      );
      expect(events).to.deep.equal(['Scheduled 1', 'Pulled 2', 'Created 2', 'Started 2', 'BackOff 1']);
    });

    it('tell of a command that is not there', async () => {
      const { status } = await run({
        restartPolicy: 'Never',
        containers: [{ name: 'app', image, command: ['/nothing'] }],
      });
      expect(status?.phase).to.equal('Failed');
      const ended = status?.containerStatuses?.[0]?.state.terminated;
      expect(ended).to.include({ exitCode: 127, reason: 'StartError' });
      expect(ended?.message).to.contain('there is no command "/nothing" in the container');
    });

    it('say why they have ended', async () => {
      const { status } = await run({
        restartPolicy: 'Never',
        containers: [
          sh('echo -n "out of cheese" > /dev/termination-log; exit 1', {
            securityContext: { runAsUser: 1000 },
          }),
          sh('echo from the log; exit 1', { name: 'log', terminationMessagePolicy: 'FallbackToLogsOnError' }),
        ],
      });
      const said = status?.containerStatuses?.map(({ state }) => state.terminated?.message);
      expect(said).to.deep.equal(['out of cheese', 'from the log\n']);
    });

    it('run init containers first', async () => {
      const volumeMounts = [{ name: 'v', mountPath: '/v' }];
      const { status } = await run({
        restartPolicy: 'Never',
        volumes: [{ name: 'v' }],
        initContainers: [
          sh('echo one > /v/x', { name: 'one', volumeMounts }),
          sh('echo two >> /v/x', { name: 'two', volumeMounts }),
        ],
        containers: [sh('cat /v/x', { volumeMounts })],
      });
      expect(status?.phase).to.equal('Succeeded');
      expect(await bench.pods.log('web')).to.equal('one\ntwo\n');
      expect(status?.initContainerStatuses?.map(({ state }) => state.terminated?.reason)).to.deep.equal([
        'Completed',
        'Completed',
      ]);
    });

    describe('give their containers', () => {
      it('variables, arguments and a working folder', async () => {
        const text = await outputOf(
          '',
          {},
          {
            command: ['sh', '-c', 'pwd; echo "$0" "$1"; echo $NAME $IP; echo "$TEXT"'],
            args: ['$(NAME)', '$$(NAME)'],
            workingDir: '/home/app',
            env: [
              { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'TEXT', value: 'pod $(NAME)' },
            ],
          },
        );
        const { status } = await bench.pods.get('web');
        expect(text).to.equal(`/home/app\nweb $(NAME)\nweb ${status?.podIP}\npod web\n`);
      });

      it('hosts and a resolver', async () => {
        const text = await outputOf('cat /etc/hosts /etc/resolv.conf', {
          hostAliases: [{ ip: '192.0.2.9', hostnames: ['alias.example'] }],
          dnsPolicy: 'None',
          dnsConfig: { nameservers: ['192.0.2.53'], options: [{ name: 'ndots', value: '3' }] },
        });
        const { status } = await bench.pods.get('web');
        expect(text).to.contain('192.0.2.9\talias.example\n');
        expect(text).to.contain(`${status?.podIP}\tweb\n`);
        expect(text).to.match(/nameserver 192\.0\.2\.53\noptions ndots:3\n$/);
      });

      it('users, groups and capabilities', async () => {
        const text = await outputOf(
          'id; ls -ldn /v; touch /v/x; ls -ln /v/x; touch /x; grep -e CapBnd -e NoNewPrivs /proc/self/status',
          {
            securityContext: { runAsUser: 1000, runAsGroup: 1001, fsGroup: 1002, supplementalGroups: [1003] },
            volumes: [{ name: 'v' }],
          },
          {
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
            },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        );
        expect(text).to.match(/^uid=1000\(app\) gid=1001 groups=(.*,)?1002(,.*)?\n/);
        expect(text).to.match(/^uid=.*1003.*\n/);
        expect(text).to.match(/drwxrwsrwx .* 0 +1002 /);
        expect(text).to.match(/-rw-r--r-- .* 1000 +1002 /);
        expect(text).to.contain('Read-only file system');
        expect(text).to.match(/CapBnd:\s+0000000000002000\n/);
        expect(text).to.match(/NoNewPrivs:\s+1\n/);
      });

      it('volumes', async () => {
        const host = join(bench.folder, 'host');
        mkdirSync(join(host, 'sub'), { recursive: true });
        writeFileSync(join(host, 'sub/x'), 'of the host\n');
        const text = await outputOf(
          'cat /h/sub/x /s/x; echo back > /h/y; touch /s/z; grep " /m " /proc/mounts; ls /n',
          {
            volumes: [
              { name: 'h', hostPath: { path: host, type: 'Directory' } },
              { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
              { name: 'new', hostPath: { path: join(host, 'new/folder'), type: 'DirectoryOrCreate' } },
            ],
          },
          {
            volumeMounts: [
              { name: 'h', mountPath: '/h' },
              { name: 'h', mountPath: '/s', subPath: 'sub', readOnly: true },
              { name: 'm', mountPath: '/m' },
              { name: 'new', mountPath: '/n' },
            ],
          },
        );
        expect(text).to.contain('of the host\nof the host\n');
        expect(text).to.contain('Read-only file system');
        expect(text).to.match(/tmpfs \/m tmpfs rw,.*size=1024k/);
        expect(readFileSync(join(host, 'y'), 'utf8')).to.equal('back\n');
        await bench.pods.delete('web');
        expect(readdirSync(host)).to.have.members(['sub', 'y', 'new']);
      });

      it('limits', async () => {
        const resources = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m' } };
        await bench.pods.create('web', { containers: [sh(idle, { resources })] });
        const pod = await bench.pods.running('web');
        const [own] = inPod(bench, pod).filter(({ record }) => record.kind === 'container');
        const { engine } = bench.opened;
        const bundle = join(engine.run, 'containers', own?.record.id ?? '', 'config.json');
        const { linux } = JSON.parse(readFileSync(bundle, 'utf8')) as {
          linux: { resources: object; cgroupsPath: string };
        };
        expect(linux.resources).to.deep.include({
          memory: { limit: 67_108_864 },
          cpu: { shares: 256, quota: 50_000, period: 100_000 },
        });
        expect(linux.cgroupsPath).to.equal(`/hawser/pod-${pod.metadata.uid}/${own?.record.id}`);
      });
    });

    describe('have logs', () => {
      it('of the current, the previous and no container', async () => {
        const script =
          'if test -e /v/x; then echo second; echo also >&2; else touch /v/x; echo first; exit 1; fi';
        await bench.pods.create('web', {
          volumes: [{ name: 'v' }],
          containers: [sh(`${script}; ${idle}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
        });
        await bench.pods.until('web', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
        expect(await bench.pods.logUntil('web', 'also')).to.equal('second\nalso\n');
        expect(await bench.pods.log('web', { previous: 'true' })).to.equal('first\n');
        expect(await bench.pods.log('web', { tailLines: '1' })).to.equal('also\n');
        expect(await bench.pods.log('web', { timestamps: 'true', tailLines: '1' })).to.match(
          /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z also\n$/,
        );
        expect(await bench.pods.log('web', { limitBytes: '3' })).to.equal('sec');
      });

      it('that can be followed to the end', async () => {
        await bench.pods.create('web', {
          restartPolicy: 'Never',
          volumes: [
            { name: 'v', hostPath: { path: join(bench.folder, 'follow'), type: 'DirectoryOrCreate' } },
          ],
          containers: [
            sh('echo one; until test -e /v/go; do sleep 0.02; done; echo two', {
              volumeMounts: [{ name: 'v', mountPath: '/v' }],
            }),
          ],
        });
        await bench.pods.running('web');
        const chunks: string[] = [];
        for await (const chunk of bench.pods.follow('web')) {
          chunks.push(chunk);
          if (chunks.join('').includes('one')) writeFileSync(join(bench.folder, 'follow/go'), '');
        }
        expect(chunks.join('')).to.equal('one\ntwo\n');
      });

      it('of a container that waits after its crash: current and previous are the same', async () => {
        await bench.pods.create('web', { containers: [sh('echo $HOSTNAME $(cat /proc/uptime)')] });
        await bench.pods.until(
          'web',
          pod => pod.status?.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
        );
        const current = await bench.pods.log('web');
        expect(current).to.match(/^web /);
        expect(await bench.pods.log('web', { previous: 'true' })).to.equal(current);
      });
    });

    describe('are deleted', () => {
      const hostPath = () => ({ path: join(bench.folder, 'ends'), type: 'DirectoryOrCreate' });
      const witness = (script: string, over: Partial<PodSpec> = {}): PodSpec => ({
        volumes: [{ name: 'v', hostPath: hostPath() }],
        containers: [sh(script, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
        ...over,
      });
      const left = (name: string) => readFileSync(join(bench.folder, 'ends', name), 'utf8');

      it('with the time to say farewell', async () => {
        const script =
          'trap "echo bye > /v/bye; exit 0" TERM; echo ready; while :; do sleep 1000 & wait; done';
        await bench.pods.create('web', witness(script));
        await bench.pods.logUntil('web', 'ready');
        const pod = await bench.pods.delete('web');
        expect(left('bye')).to.equal('bye\n');
        expect(pod.metadata.deletionGracePeriodSeconds).to.equal(30);
        const reasons = (await bench.pods.events(pod, 'Killing')).map(({ reason }) => reason);
        expect(reasons).to.deep.equal(['Scheduled', 'Pulled', 'Created', 'Started', 'Killing']);
      });

      it('by force where they do not heed', async () => {
        const script = 'trap "echo no > /v/no" TERM; echo ready; while :; do sleep 1000 & wait; done';
        await bench.pods.create('web', witness(script));
        await bench.pods.logUntil('web', 'ready');
        const last = await bench.pods.delete('web', 1);
        expect(left('no')).to.equal('no\n');
        expect(last.status?.containerStatuses?.[0]?.state.terminated?.exitCode).to.equal(137);
      });

      it('at once with no grace period', async () => {
        await bench.pods.create('web', { containers: [sh(idle)] });
        await bench.pods.running('web');
        await bench.pods.delete('web', 0);
      });

      it('while they come to be', async () => {
        const names = ['a', 'b', 'c'];
        for (const name of names) await bench.pods.create(name, { containers: [sh(idle)] });
        await Promise.all(names.map(name => bench.pods.delete(name, 0)));
      });
    });

    it('come back when their sandbox is killed', async () => {
      await bench.pods.create('web', { containers: [sh(`echo run; ${idle}`)] });
      const pod = await bench.pods.running('web');
      process.kill(sandboxProcess(bench, pod), 'SIGKILL');
      const again = await bench.pods.until('web', ({ status }) => {
        const [own] = status?.containerStatuses ?? [];
        return own?.restartCount === 1 && own.ready;
      });
      expect(again.status?.phase).to.equal('Running');
      expect(sandboxProcess(bench, again)).to.be.greaterThan(0);
      const reasons = (await bench.pods.events(pod, 'SandboxChanged')).map(({ reason }) => reason);
      expect(reasons).to.include('SandboxChanged');
    });

    it('start what somebody has removed', async () => {
      await bench.pods.create('web', { containers: [sh(idle)] });
      const pod = await bench.pods.running('web');
      const [own] = inPod(bench, pod).filter(({ record }) => record.kind === 'container');
      await removeContainer(bench.opened.engine, own?.record.id ?? '', { force: true });
      const again = await bench.pods.until('web', ({ status }) => {
        const [own] = status?.containerStatuses ?? [];
        return own?.restartCount === 1 && own.ready;
      });
      expect(again.status?.containerStatuses?.[0]?.lastState.terminated?.exitCode).to.equal(137);
    });

    it('run on while the cluster restarts, and are adopted', async () => {
      await bench.pods.create('web', { containers: [sh(`echo run; ${idle}`)] });
      await bench.pods.create('ends', {
        restartPolicy: 'Never',
        volumes: [
          { name: 'v', hostPath: { path: join(bench.folder, 'restart'), type: 'DirectoryOrCreate' } },
        ],
        containers: [
          sh('until test -e /v/go; do sleep 0.02; done; exit 5', {
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          }),
        ],
      });
      const before = await bench.pods.running('web');
      const ends = await bench.pods.running('ends');
      await bench.opened.cluster.close();
      writeFileSync(join(bench.folder, 'restart/go'), '');
      const [own] = inPod(bench, ends).filter(({ record }) => record.kind === 'container');
      while (stateOf(bench.opened.engine, own?.record.id ?? '').status === 'running') await delay(20);
      bench.opened = await openCluster(bench.folder, 'lmdb');
      bench.pods = new PodClient(bench.opened.cluster.url);
      const ended = await bench.pods.ended('ends');
      expect(ended.status?.containerStatuses?.[0]?.state.terminated?.exitCode).to.equal(5);
      const after = await bench.pods.running('web');
      expect(after.status).to.deep.equal(before.status);
      expect(await bench.pods.log('web')).to.equal('run\n');
    });
  });

  describe('with a store in memory', () => {
    const bench = useCluster('memory');

    it('run and go', async () => {
      await bench.pods.create('web', { containers: [sh(idle)] });
      const { status } = await bench.pods.running('web');
      expect(status?.podIP).to.match(/^10\./);
    });

    it('leave alone what only its image calls a pod', async () => {
      const { engine } = bench.opened;
      const labels = { 'io.kubernetes.pod.uid': '../../..' };
      const listed = enginePodRuntime(engine, bench.opened.images);
      const config = {
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers' as const, diff_ids: [] },
      };
      const { record } = await createContainer(engine, {
        image: {
          name: 'odd',
          id: digestOf('odd'),
          chainID: undefined,
          config: { ...config, config: { Labels: labels, Cmd: ['x'] } },
        },
      });
      expect(record.labels).to.deep.equal(labels);
      expect(await listed.listContainers()).to.deep.equal([]);
      await removeContainer(engine, record.id);
    });

    it('are ended by the next cluster, which does not know them', async () => {
      await bench.pods.create('web', { containers: [sh(idle)] });
      const pod = await bench.pods.running('web');
      const ids = inPod(bench, pod).map(({ record }) => record.id);
      await bench.opened.cluster.close();
      bench.opened = await openCluster(bench.folder, 'memory');
      bench.pods = new PodClient(bench.opened.cluster.url);
      expect(await leftovers(bench.opened.engine, { uids: [pod.metadata.uid ?? ''], ids })).to.deep.equal([]);
    });
  });

  describe('when the cluster is killed', () => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const program = fileURLToPath(new URL('./processes/serve-cluster.ts', import.meta.url));
    let folder: string;
    let child: ChildProcess | undefined;
    let opened: OpenedCluster | undefined;

    const serve = async () => {
      const started = spawn(process.execPath, ['--import', loader, program, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child = started;
      const [url] = (await once(started.stdout, 'data')) as [Buffer];
      return new PodClient(url.toString().trim());
    };
    const kill = async () => {
      if (child === undefined || child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      child = undefined;
    };

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'hawser-pods-'));
    });
    afterEach(async () => {
      await kill();
      await opened?.cluster.close();
      if (opened !== undefined) await disposeEngine(opened.engine, folder);
      opened = undefined;
    });

    it('they run on, and the next cluster adopts them', async () => {
      let pods = await serve();
      const hostPort = await freePort();
      await pods.create('web', {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'serve',
            image,
            command: ['httpd', '-f', '-p', '8080', '-h', '/www'],
            ports: [{ containerPort: 8080, hostPort }],
          },
        ],
      });
      const before = await pods.running('web');
      await kill();
      expect(await answerOf(`http://127.0.0.1:${hostPort}/`)).to.equal('hello from the image\n');
      opened = await openCluster(folder, 'lmdb');
      pods = new PodClient(opened.cluster.url);
      expect((await pods.running('web')).status).to.deep.equal(before.status);
      expect(await answerOf(`http://127.0.0.1:${hostPort}/`)).to.equal('hello from the image\n');
      const ids = listContainers(opened.engine).map(({ record }) => record.id);
      await pods.delete('web');
      const left = await leftovers(opened.engine, { uids: [before.metadata.uid ?? ''], ids });
      expect(left).to.deep.equal([]);
    });

    it('in the midst of starting pods, the next one finishes them', async () => {
      const pods = await serve();
      const names = ['a', 'b', 'c', 'd'];
      const created = await Promise.all(names.map(name => pods.create(name, { containers: [sh(idle)] })));
      await pods.until('a', ({ status }) => status?.phase === 'Running' || status?.startTime !== undefined);
      await kill();
      opened = await openCluster(folder, 'lmdb');
      const next = new PodClient(opened.cluster.url);
      await Promise.all(names.map(name => next.running(name)));
      const ids = listContainers(opened.engine).map(({ record }) => record.id);
      expect(ids).to.have.lengthOf(2 * names.length);
      await Promise.all(names.map(name => next.delete(name)));
      const uids = created.map(({ metadata }) => metadata.uid ?? '');
      expect(await leftovers(opened.engine, { uids, ids })).to.deep.equal([]);
    });
  });
});
