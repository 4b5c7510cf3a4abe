import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { ApiClient } from '../../src/orchestrator/client/api-client.ts';
import { describePod } from '../../src/orchestrator/client/describe-pod.ts';
import { getPods, type PodOutput } from '../../src/orchestrator/client/get-pods.ts';
import { hasKubectl, type KubectlBench, openKubectl, titleWithKubectl } from './support/kubectl.ts';
import { podNamed } from './support/open-api.ts';

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

describe(titleWithKubectl('hawser pod prints what kubectl prints'), function () {
  this.timeout(60_000);
  let bench: KubectlBench;
  before(async function () {
    if (!hasKubectl) this.skip();
    bench = await openKubectl();
  });
  after(() => bench?.close());

  before(async () => {
    await bench.feed('apply', full);
    await bench.print(
      'wait --for=jsonpath={.status.initContainerStatuses[0].started}=true pod/full --timeout=20s',
    );
    bench.runtime.exit('init', 0);
    await bench.print(
      'wait --for=jsonpath={.status.containerStatuses[1].state.waiting.reason}=ImagePullBackOff pod/full --timeout=20s',
    );
    await bench.running('plain');
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
        () => describePod(new ApiClient(bench.cluster.url), name),
        () => bench.print('describe pod', name),
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
    await bench.feed('create', input);
    await bench.ready('texts');
    const expected = await bench.print('get pod texts -o yaml');
    const printed: string[] = [];
    const options = { names: ['texts'], output: 'yaml', note: () => undefined } as const;
    await getPods(new ApiClient(bench.cluster.url), { ...options, print: text => printed.push(text) });
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
        await getPods(new ApiClient(bench.cluster.url), {
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
          () => bench.print('get pods', ...flags, ...args),
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
