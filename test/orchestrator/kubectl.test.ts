import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Pod } from '../../src/api/pod.ts';
import { ApiClient } from '../../src/orchestrator/client/api-client.ts';
import { applyFiles } from '../../src/orchestrator/client/apply-files.ts';
import { describePod } from '../../src/orchestrator/client/describe-pod.ts';
import { getPods, type PodOutput } from '../../src/orchestrator/client/get-pods.ts';
import { systemClock } from '../../src/orchestrator/node-agent/clock.ts';
import { type RunningCluster, serveCluster } from '../../src/orchestrator/serve-cluster.ts';
import { createMemoryStore } from '../../src/orchestrator/store/memory-store.ts';
import { FakeRuntime } from './node-agent/fake-runtime.ts';
import { findKubectl, Kubectl } from './support/kubectl.ts';
import { podNamed } from './support/open-api.ts';
import { readLines } from './support/read-lines.ts';

const manifest = (name: string, image = 'app:1', more = '') => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: ${image}
    ports: [{containerPort: 80}]
${more}`;

/** Shows everything that a description can. */
const full = `
apiVersion: v1
kind: Pod
metadata:
  name: full
  labels: {app: full, tier: front}
  annotations:
    note: one
    lines: "a\\nb\\n"
    long: ${'x'.repeat(200)}
spec:
  terminationGracePeriodSeconds: 1
  serviceAccountName: default
  nodeSelector: {kubernetes.io/os: linux}
  tolerations:
  - {key: k, operator: Exists}
  - {key: a, value: b, effect: NoSchedule}
  - {operator: Exists, effect: NoExecute, tolerationSeconds: 5}
  initContainers:
  - {name: init, image: "init:1", command: [sh, -c, "echo hi\\nsleep 1"]}
  containers:
  - name: app
    image: app:1
    command: [sh]
    args: [-c, "sleep 1000"]
    ports: [{containerPort: 80, name: web}, {containerPort: 53, protocol: UDP, hostPort: 5353, name: dns}]
    env:
    - {name: A, value: b}
    - {name: LINES, value: "x\\ny"}
    - {name: EMPTY}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
    livenessProbe: {httpGet: {path: /x, port: 80}, initialDelaySeconds: 3}
    readinessProbe: {exec: {command: [cat, /tmp/x]}}
    startupProbe: {tcpSocket: {port: 80}}
    volumeMounts: [{name: data, mountPath: /data}, {name: host, mountPath: /host, readOnly: true}]
  - {name: side, image: "nowhere:1"}
  volumes:
  - {name: data, emptyDir: {sizeLimit: 1Mi}}
  - {name: host, hostPath: {path: /tmp, type: Directory}}
`;

const program = findKubectl();

describe(`kubectl${program === undefined ? ' (not installed here)' : ''}`, function () {
  this.timeout(60_000);
  let folder: string;
  let cluster: RunningCluster;
  let runtime: FakeRuntime;
  let kubectl: Kubectl;
  const log: string[] = [];

  before(async function () {
    if (program === undefined) {
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'hawser-kubectl-'));
    runtime = new FakeRuntime(systemClock);
    cluster = await serveCluster({
      root: folder,
      store: createMemoryStore(),
      runtime,
      port: 0,
      nodeName: 'test-node',
      log: line => log.push(line),
    });
    kubectl = new Kubectl(program, cluster.url, folder);
  });
  after(async () => {
    if (program === undefined) return;
    await print('delete', 'pods', '--all', '--now');
    await cluster.close();
    await rm(folder, { recursive: true });
    expect(log).to.deep.equal([]);
  });

  const print = (...args: readonly string[]) => kubectl.print(args);
  const failure = (...args: readonly string[]) => kubectl.failure(args);
  const apply = (text: string) => kubectl.print(['apply', '-f', '-'], { input: text });
  const ready = (name: string) => print('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=20s');
  const get = async (name: string) => JSON.parse(await print('get', 'pod', name, '-o', 'json')) as Pod;
  async function running(name: string, image?: string): Promise<void> {
    await apply(manifest(name, image));
    await ready(name);
  }
  /** Runs of blanks as one. */
  const words = (text: string) =>
    text
      .trim()
      .split('\n')
      .map(line => line.trim().split(/\s{2,}/));

  describe('get', () => {
    before(() => running('got'));

    it('shows a table', async () => {
      const [titles, row] = words(await print('get', 'pods', 'got'));
      expect(titles).to.deep.equal(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
      expect(row?.slice(0, 4)).to.deep.equal(['got', '1/1', 'Running', '0']);
      const wide = words(await print('get', 'pods', 'got', '-o', 'wide'));
      expect(wide[0]?.slice(5)).to.deep.equal(['IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']);
      expect(wide[1]?.slice(5)).to.deep.equal(['10.89.0.7', 'test-node', '<none>', '<none>']);
      expect(words(await print('get', 'po', '-A', '-l', 'app=got'))[1]?.slice(0, 2)).to.deep.equal([
        'default',
        'got',
      ]);
      expect(words(await print('get', 'pods', '-l', 'app=got', '--show-labels'))[1]?.at(-1)).to.equal(
        'app=got',
      );
      expect(words(await print('get', 'all'))[0]?.[0]).to.equal('NAME');
    });

    it('shows names, fields and whole objects', async () => {
      expect(await print('get', 'pods', '-l', 'app=got', '-o', 'name')).to.equal('pod/got\n');
      expect(
        await print('get', 'pod', 'got', '-o', 'jsonpath={.status.phase}/{.spec.containers[*].image}'),
      ).to.equal('Running/app:1');
      expect(
        await print('get', 'pod', 'got', '-o', 'custom-columns=N:.metadata.name', '--no-headers'),
      ).to.equal('got\n');
      expect(await print('get', 'pod', 'got', '-o', 'yaml')).to.match(
        /^apiVersion: v1\nkind: Pod\nmetadata:\n/,
      );
      expect((await get('got')).spec.nodeName).to.equal('test-node');
      expect(
        await print(
          'get',
          'pods',
          '--field-selector',
          'metadata.name=got,spec.nodeName=test-node',
          '-o',
          'name',
        ),
      ).to.equal('pod/got\n');
      expect(await print('get', '--raw', '/api/v1/namespaces/default/pods/got')).to.match(
        /^\{"apiVersion":"v1","kind":"Pod"/,
      );
    });

    it('sorts', async () => {
      await apply(manifest('got-later'));
      const names = async (...args: readonly string[]) =>
        words(await print('get', 'pods', '-l', 'app in (got, got-later)', '--no-headers', ...args)).map(
          ([name]) => name,
        );
      expect(await names('--sort-by=.metadata.name')).to.deep.equal(['got', 'got-later']);
      expect(await names('--sort-by=.metadata.labels.app')).to.deep.equal(['got', 'got-later']);
    });

    it('says that there is none', async () => {
      expect(await failure('get', 'pod', 'nope')).to.equal(
        'Error from server (NotFound): pods "nope" not found',
      );
      const { stderr } = await kubectl.run(['get', 'pods', '-n', 'kube-public']);
      expect(stderr).to.equal('No resources found in kube-public namespace.\n');
      expect(await failure('get', 'deployments')).to.equal(
        'error: the server doesn\'t have a resource type "deployments"',
      );
      expect(await failure('get', 'pods', '-l', 'a b')).to.match(/unable to parse requirement: found 'b'/);
    });

    it('watches', async () => {
      const seen: string[] = [];
      const changing = running('watched').then(() => print('delete', 'pod', 'watched', '--now'));
      for await (const line of readLines(
        kubectl.follow(['get', 'pods', '-w', '--output-watch-events', '-l', 'app=watched']),
      )) {
        const [event = '', , , status = ''] = line.split(/\s{2,}/);
        seen.push(`${event} ${status}`);
        if (event === 'DELETED') break;
      }
      await changing;
      expect(seen).to.include.members([
        'EVENT STATUS',
        'ADDED Pending',
        'MODIFIED Running',
        'MODIFIED Terminating',
      ]);
      expect(seen.at(-1)).to.match(/^DELETED /);
    });

    it('shows nodes and namespaces', async () => {
      expect(words(await print('get', 'nodes'))[1]?.slice(0, 3)).to.deep.equal([
        'test-node',
        'Ready',
        '<none>',
      ]);
      expect(words(await print('get', 'ns', 'default'))[1]?.slice(0, 2)).to.deep.equal(['default', 'Active']);
      expect(await print('describe', 'node', 'test-node')).to.match(/Non-terminated Pods: +\(\d+ in total\)/);
      expect(await print('describe', 'ns', 'default')).to.match(/^Status: +Active$/m);
    });
  });

  describe('apply and create', () => {
    it('tell what came of it', async () => {
      expect(await apply(manifest('applied'))).to.equal('pod/applied created\n');
      expect(await apply(manifest('applied'))).to.equal('pod/applied unchanged\n');
      expect(await apply(manifest('applied', 'other:1'))).to.equal('pod/applied configured\n');
      expect((await get('applied')).spec.containers[0]?.image).to.equal('other:1');
      expect(await kubectl.print(['diff', '-f', '-'], { input: manifest('applied', 'other:1') })).to.equal(
        '',
      );
      const dry = await kubectl.print(['apply', '--dry-run=server', '-f', '-'], {
        input: manifest('applied'),
      });
      expect(dry).to.equal('pod/applied configured (server dry run)\n');
      expect((await get('applied')).spec.containers[0]?.image).to.equal('other:1');
    });

    it('take away what is no longer wanted', async () => {
      const labelled = manifest('cut').replace('{app: cut}', '{app: cut, old: x}');
      await apply(labelled);
      await print('label', 'pod', 'cut', 'others=y');
      await apply(manifest('cut'));
      expect((await get('cut')).metadata.labels).to.deep.equal({ app: 'cut', others: 'y' });
    });

    it('follow hawser, and are followed by it', async () => {
      const byHawser = async (text: string) => {
        const printed: string[] = [];
        const input = (async function* () {
          yield Buffer.from(text);
        })();
        const options = { print: (line: string) => printed.push(line), warn: () => undefined, input };
        await applyFiles(new ApiClient(cluster.url), ['-'], options);
        return printed.join();
      };
      const text = manifest('both').replace(
        '{app: both}',
        '{app: both}\n  annotations: {html: "<a&b>", n: "1"}',
      );
      expect(await byHawser(text)).to.equal('pod/both created');
      expect(await apply(text)).to.equal('pod/both unchanged\n');
      const changed = text.replace('app:1', 'other:1');
      expect(await apply(changed)).to.equal('pod/both configured\n');
      expect(await byHawser(changed)).to.equal('pod/both unchanged');
    });

    it('say what is wrong', async () => {
      const field = await kubectl.failure(['apply', '-f', '-'], {
        input: manifest('wrong').replace('image:', 'imgae:'),
      });
      expect(field).to.match(/strict decoding error: unknown field "spec\.containers\[0\]\.imgae"/);
      const type = await kubectl.failure(['apply', '-f', '-'], {
        input: manifest('wrong').replace('containerPort: 80', 'containerPort: http'),
      });
      expect(type).to.match(/cannot unmarshal string into Go struct field ContainerPort/);
      const name = await kubectl.failure(['apply', '-f', '-'], {
        input: manifest('wrong').replace('name: app', 'name: App'),
      });
      expect(name).to.match(
        /^The Pod "wrong" is invalid: spec\.containers\[0\]\.name: Invalid value: "App": a lowercase RFC 1123 label/,
      );
      const loose = await kubectl.run(['apply', '--validate=warn', '-f', '-'], {
        input: manifest('loose').replace('ports:', 'prots: 1\n    ports:'),
      });
      expect([loose.code, loose.stderr]).to.deep.equal([
        0,
        'Warning: unknown field "spec.containers[0].prots"\n',
      ]);
      await apply(manifest('fixed'));
      const fixed = await kubectl.failure(['apply', '-f', '-'], {
        input: manifest('fixed', 'app:1', '  hostname: x\n'),
      });
      expect(fixed).to.match(
        /The Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields/,
      );
    });

    it('refuse what they cannot do', async () => {
      const file = join(folder, 'pod.yaml');
      await writeFile(file, manifest('twice'));
      expect(await print('create', '-f', file)).to.equal('pod/twice created\n');
      expect(await failure('create', '-f', file)).to.equal(
        `Error from server (AlreadyExists): error when creating "${file}": pods "twice" already exists`,
      );
      expect(await failure('apply', '--server-side', '-f', file)).to.match(
        /server-side apply is not offered: use kubectl apply without --server-side/,
      );
      expect(await failure('create', 'configmap', 'x')).to.match(
        /NotFound|could not find the requested resource/,
      );
    });

    it('make namespaces', async () => {
      expect(await print('create', 'namespace', 'team')).to.equal('namespace/team created\n');
      await print('run', 'inside', '-n', 'team', '--image=app:1');
      expect(await print('get', 'pods', '-n', 'team', '-o', 'name')).to.equal('pod/inside\n');
      expect(await print('delete', 'namespace', 'team')).to.match(/^namespace "team" deleted/);
      expect(await failure('get', 'ns', 'team')).to.match(/namespaces "team" not found/);
      expect(await failure('delete', 'namespace', 'default')).to.match(/this namespace may not be deleted/);
    });
  });

  describe('changes', () => {
    before(() => running('changed'));
    const labels = async () => (await get('changed')).metadata.labels;

    it('of labels and annotations', async () => {
      expect(await print('label', 'pod', 'changed', 'tier=front')).to.equal('pod/changed labeled\n');
      expect(await failure('label', 'pod', 'changed', 'tier=back')).to.match(
        /already has a value \(front\), and --overwrite is false/,
      );
      await print('label', '--overwrite', 'pod', 'changed', 'tier=back');
      expect(await labels()).to.deep.equal({ app: 'changed', tier: 'back' });
      expect(await print('label', 'pod', 'changed', 'tier-')).to.equal('pod/changed unlabeled\n');
      expect(await print('annotate', 'pod', 'changed', 'note=a b')).to.equal('pod/changed annotated\n');
      expect((await get('changed')).metadata.annotations).to.include({ note: 'a b' });
      expect(await failure('label', 'pod', 'changed', 'tier=-')).to.match(
        /a valid label must be an empty string/,
      );
    });

    it('by patches of three kinds', async () => {
      const patch = (type: string, body: unknown) =>
        print('patch', 'pod', 'changed', '--type', type, '-p', JSON.stringify(body));
      expect(
        await patch('strategic', { spec: { containers: [{ name: 'app', image: 'other:1' }] } }),
      ).to.equal('pod/changed patched\n');
      expect((await get('changed')).spec.containers[0]).to.deep.include({
        image: 'other:1',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
      });
      await patch('merge', { metadata: { labels: { a: 'b' } } });
      await patch('json', [{ op: 'add', path: '/metadata/labels/c', value: 'd' }]);
      expect(await labels()).to.deep.equal({ app: 'changed', a: 'b', c: 'd' });
      expect(await patch('merge', { metadata: { labels: { a: 'b' } } })).to.equal(
        'pod/changed patched (no change)\n',
      );
      const test = [{ op: 'test', path: '/metadata/labels/c', value: 'x' }];
      expect(await failure('patch', 'pod', 'changed', '--type', 'json', '-p', JSON.stringify(test))).to.match(
        /testing value \/metadata\/labels\/c failed/,
      );
    });

    it('in an editor', async () => {
      const edit = (script: string) =>
        kubectl.run(['edit', 'pod', 'changed'], { env: { EDITOR: `sed -i ${script}` } });
      expect(await edit('s/app:.changed/app:\\ edited/')).to.include({
        code: 0,
        stdout: 'pod/changed edited\n',
      });
      expect(await labels()).to.include({ app: 'edited' });
      expect((await edit('s/nothing/else/')).stdout + (await edit('s/nothing/else/')).stderr).to.match(
        /no changes made/,
      );
      const wrong = await edit('s/restartPolicy:.Always/restartPolicy:\\ Never/');
      expect(wrong.code).to.not.equal(0);
      expect(wrong.stderr).to.match(/pods "changed" is invalid/);
    });

    it('of images, taints and closed nodes', async () => {
      expect(await print('set', 'image', 'pod/changed', 'app=app:1')).to.equal('pod/changed image updated\n');
      expect(await print('cordon', 'test-node')).to.equal('node/test-node cordoned\n');
      await print('run', 'late', '--image=app:1');
      await print(
        'wait',
        '--for=jsonpath={.status.conditions[0].reason}=Unschedulable',
        'pod/late',
        '--timeout=20s',
      );
      expect(await print('uncordon', 'test-node')).to.equal('node/test-node uncordoned\n');
      await ready('late');
      expect(await print('taint', 'node', 'test-node', 'a=b:PreferNoSchedule')).to.equal(
        'node/test-node tainted\n',
      );
      expect(await print('taint', 'node', 'test-node', 'a-')).to.equal('node/test-node untainted\n');
    });

    it('by replacing', async () => {
      const input = (await print('get', 'pod', 'changed', '-o', 'json')).replace(
        '"app": "edited"',
        '"app": "again"',
      );
      expect(await kubectl.print(['replace', '-f', '-'], { input })).to.equal('pod/changed replaced\n');
      expect(await labels()).to.include({ app: 'again' });
      expect(await kubectl.print(['replace', '--force', '-f', '-'], { input: manifest('changed') })).to.match(
        /pod\/changed replaced\n$/,
      );
      await ready('changed');
    });
  });

  describe('run, logs and wait', () => {
    it('run a pod and show its output', async () => {
      expect(await print('run', 'once', '--image=app:1', '--restart=Never', '--', 'true')).to.equal(
        'pod/once created\n',
      );
      await ready('once');
      const { args } = (await get('once')).spec.containers[0] ?? {};
      expect(args).to.deep.equal(['true']);
      runtime.logText = 'line 1\nline 2\n';
      expect(await print('logs', 'once')).to.equal('line 1\nline 2\n');
      expect(await print('logs', 'once', '--limit-bytes=6')).to.equal('line 1');
      expect(await print('logs', '-f', '--tail=1', '--since=1h', '--timestamps', 'once')).to.equal(
        'line 1\nline 2\n',
      );
      expect(await failure('logs', 'once', '-c', 'nope')).to.match(
        /container nope is not valid for pod once/,
      );
      expect(await failure('logs', 'once', '-p')).to.match(
        /previous terminated container "once" in pod "once" not found/,
      );
      runtime.exit('once', 3);
      await print('wait', '--for=jsonpath={.status.phase}=Failed', 'pod/once', '--timeout=20s');
      expect(words(await print('get', 'pod', 'once'))[1]?.[2]).to.equal('Error');
      runtime.logText = undefined;
    });

    it('wait for the end, and say that it did not come', async () => {
      await running('waited');
      const waiting = print('wait', '--for=delete', 'pod/waited', '--timeout=20s');
      await print('delete', 'pod', 'waited');
      expect(await waiting).to.match(/pod\/waited condition met|^$/);
      await running('stays');
      expect(await failure('wait', '--for=condition=Ready=false', 'pod/stays', '--timeout=100ms')).to.match(
        /timed out waiting for the condition/,
      );
      expect(await failure('wait', '--for=delete', 'pod/stays', '--timeout=100ms')).to.match(
        /timed out waiting for the condition/,
      );
    });
  });

  describe('delete', () => {
    it('by name, label, file and all, and by force', async () => {
      await print('create', 'namespace', 'gone');
      const inside = (...args: readonly string[]) => print('-n', 'gone', ...args);
      const names = async () =>
        words(await inside('get', 'pods', '-o', 'name'))
          .flat()
          .join(' ');
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await inside('run', name, '--image=app:1', `--labels=app=${name}`);
      expect(await inside('delete', 'pod', 'a')).to.match(/^pod "a" deleted/);
      expect(await inside('delete', 'pods', '-l', 'app=b')).to.match(/^pod "b" deleted/);
      const file = join(folder, 'c.json');
      await writeFile(file, JSON.stringify(podNamed('c')));
      expect(await inside('delete', '-f', file)).to.match(/^pod "c" deleted/);
      expect(await inside('delete', 'pod', 'd', '--force', '--grace-period=0')).to.match(
        /^pod "d" force deleted/,
      );
      expect(await names()).to.equal('pod/e');
      expect(await inside('delete', 'pods', '--all', '--now')).to.match(/^pod "e" deleted/);
      expect(await names()).to.equal('');
      expect(await failure('-n', 'gone', 'delete', 'pod', 'a')).to.equal(
        'Error from server (NotFound): pods "a" not found',
      );
      expect(await inside('delete', 'pod', 'a', '--ignore-not-found')).to.equal('');
    });

    it('drains a node', async () => {
      await apply(manifest('drained'));
      expect(await failure('drain', 'test-node')).to.match(
        /cannot delete Pods? (?:declare no controller|that declare no controller)/,
      );
      await print('uncordon', 'test-node');
    });
  });

  describe('events', () => {
    it('are listed, and told with the pod', async () => {
      await running('told');
      const rows = words(await print('get', 'events', '--field-selector', 'involvedObject.name=told'));
      expect(rows[0]).to.deep.equal(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
      expect(rows.slice(1).map(([, type, reason, object]) => [type, reason, object])).to.deep.include([
        'Normal',
        'Scheduled',
        'pod/told',
      ]);
      expect(await print('events', '--for', 'pod/told')).to.match(
        /Scheduled +Pod\/told +Successfully assigned default\/told to test-node/,
      );
      expect(await print('describe', 'pod', 'told')).to.match(
        /Normal +Scheduled +.* +default-scheduler +Successfully assigned default\/told/,
      );
    });
  });

  describe('the server', () => {
    it('tells what it serves', async () => {
      const resources = words(await print('api-resources', '--no-headers')).map(([name]) => name);
      expect(resources).to.deep.equal(['events', 'namespaces', 'nodes', 'pods']);
      expect(await print('api-resources', '--verbs=deletecollection', '-o', 'name')).to.equal(
        'events\nnodes\npods\n',
      );
      expect(await print('api-versions')).to.equal('v1\n');
      expect(await print('version')).to.match(/^Server Version: v1\.33\.\d+\+hawser-/m);
      expect(await print('get', '--raw', '/readyz')).to.equal('ok');
    });

    it('explains its fields', async () => {
      expect(await print('explain', 'pod.spec.containers.image')).to.match(
        /FIELD: image <string>\n[^]*Container image name\./,
      );
      expect(await print('explain', 'pod.spec', '--recursive')).to.match(/ {4}hostPort\t<integer>/);
      expect(await print('explain', 'ns')).to.match(/^KIND: +Namespace$/m);
      expect(await failure('explain', 'pod.spec.nope')).to.match(/field "nope" does not exist/);
    });

    it('serves those of before, who read no schemas', async () => {
      expect(
        await kubectl.print(['apply', '--validate=false', '-f', '-'], { input: manifest('old') }),
      ).to.equal('pod/old created\n');
    });
  });

  describe('hawser pod', () => {
    before(async () => {
      await apply(full);
      await print(
        'wait',
        '--for=jsonpath={.status.initContainerStatuses[0].started}=true',
        'pod/full',
        '--timeout=20s',
      );
      runtime.exit('init', 0);
      await print(
        'wait',
        '--for=jsonpath={.status.containerStatuses[1].state.waiting.reason}=ImagePullBackOff',
        'pod/full',
        '--timeout=20s',
      );
      await running('plain');
    });
    /** What both say of one state: a pod that cannot be pulled changes now and then. */
    async function both(mine: () => Promise<string>, theirs: () => Promise<string>) {
      let before = await theirs();
      for (let attempt = 1; ; attempt++) {
        const found = await mine();
        const after = await theirs();
        if (withoutAges(before) === withoutAges(after) || attempt === 5) return [found, after] as const;
        before = after;
      }
    }
    const withoutAges = (text: string) =>
      text.replaceAll(/\b\d+[smh]+(?: ago| \(x\d+ over \d+[smh]+\))?/g, 'N').replaceAll(/ {2,}-*/g, '  ');

    for (const name of ['full', 'plain']) {
      it(`describes ${name} as kubectl does`, async () => {
        const [mine, theirs] = await both(
          () => describePod(new ApiClient(cluster.url), name),
          () => print('describe', 'pod', name),
        );
        const head = (text: string) => text.slice(0, text.indexOf('Events:'));
        expect(head(mine)).to.equal(head(theirs));
        expect(withoutAges(mine)).to.equal(withoutAges(theirs));
      });
    }

    it('writes texts as kubectl does, whatever stands in them', async () => {
      const texts = JSON.parse(await readFile('fixtures/k8s/odd-texts.json', 'utf8')) as readonly string[];
      const annotations = Object.fromEntries(texts.map((text, index) => [`t${index}`, text]));
      const input = JSON.stringify(podNamed('texts', {}, { annotations }));
      await kubectl.print(['create', '-f', '-'], { input });
      await ready('texts');
      const expected = await print('get', 'pod', 'texts', '-o', 'yaml');
      const printed: string[] = [];
      const options = { names: ['texts'], output: 'yaml', note: () => undefined } as const;
      await getPods(new ApiClient(cluster.url), { ...options, print: text => printed.push(text) });
      expect(`${printed.join('\n')}\n`).to.equal(expected);
    });

    const outputs: readonly (readonly [PodOutput, readonly string[]])[] = [
      ['table', []],
      ['wide', ['-o', 'wide']],
      ['name', ['-o', 'name']],
      ['json', ['-o', 'json']],
      ['yaml', ['-o', 'yaml']],
    ];
    for (const [output, flags] of outputs) {
      it(`gets pods as kubectl does: ${output}`, async () => {
        const mine = async (options: Partial<Parameters<typeof getPods>[1]>) => {
          const printed: string[] = [];
          await getPods(new ApiClient(cluster.url), {
            names: [],
            output,
            print: line => printed.push(line),
            note: line => printed.push(line),
            ...options,
          });
          return `${printed.join('\n')}\n`;
        };
        const isTable = output === 'table' || output === 'wide';
        const same = async (options: Partial<Parameters<typeof getPods>[1]>, args: readonly string[]) => {
          const texts = await both(
            () => mine(options),
            () => print('get', 'pods', ...flags, ...args),
          );
          const [a, b] = isTable ? texts.map(withoutAges) : texts;
          expect(a).to.equal(b);
        };
        const selector = 'app in (full, plain)';
        await same({ selector }, ['-l', selector]);
        await same({ names: ['plain'] }, ['plain']);
        await same({ names: ['plain', 'full'] }, ['plain', 'full']);
        await same({ selector, allNamespaces: true }, ['-l', selector, '-A']);
      });
    }
  });
});
