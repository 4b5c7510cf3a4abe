import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  cellsOf,
  hasKubectl,
  type KubectlBench,
  openKubectl,
  podYaml,
  titleWithKubectl,
} from './support/kubectl.ts';
import { podNamed } from './support/open-api.ts';
import { readLines } from './support/read-lines.ts';

describe(titleWithKubectl('kubectl'), function () {
  this.timeout(60_000);
  let bench: KubectlBench;
  before(async function () {
    if (!hasKubectl) this.skip();
    bench = await openKubectl();
  });
  after(() => bench?.close());

  describe('get', () => {
    before(() => bench.running('got'));

    it('shows a table', async () => {
      const [titles, row] = cellsOf(await bench.print('get pods got'));
      expect(titles).to.deep.equal(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
      expect(row?.slice(0, 4)).to.deep.equal(['got', '1/1', 'Running', '0']);
      const wide = cellsOf(await bench.print('get pods got -o wide'));
      expect(wide[0]?.slice(5)).to.deep.equal(['IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']);
      expect(wide[1]?.slice(5)).to.deep.equal(['10.89.0.7', 'test-node', '<none>', '<none>']);
      expect(cellsOf(await bench.print('get po -A -l app=got'))[1]?.slice(0, 2)).to.deep.equal([
        'default',
        'got',
      ]);
      expect(cellsOf(await bench.print('get pods -l app=got --show-labels'))[1]?.at(-1)).to.equal('app=got');
      expect(cellsOf(await bench.print('get all'))[0]?.[0]).to.equal('NAME');
    });

    it('shows names, fields and whole objects', async () => {
      expect(await bench.print('get pods -l app=got -o name')).to.equal('pod/got\n');
      expect(
        await bench.print('get pod got -o jsonpath={.status.phase}/{.spec.containers[*].image}'),
      ).to.equal('Running/app:1');
      expect(await bench.print('get pod got -o custom-columns=N:.metadata.name --no-headers')).to.equal(
        'got\n',
      );
      expect(await bench.print('get pod got -o yaml')).to.match(/^apiVersion: v1\nkind: Pod\nmetadata:\n/);
      expect((await bench.get('got')).spec.nodeName).to.equal('test-node');
      expect(
        await bench.print('get pods --field-selector metadata.name=got,spec.nodeName=test-node -o name'),
      ).to.equal('pod/got\n');
      expect(await bench.print('get --raw /api/v1/namespaces/default/pods/got')).to.match(
        /^\{"apiVersion":"v1","kind":"Pod"/,
      );
    });

    it('sorts', async () => {
      await bench.feed('apply', podYaml('got-later'));
      const names = async (...args: readonly string[]) =>
        cellsOf(await bench.print('get pods -l', 'app in (got, got-later)', '--no-headers', ...args)).map(
          ([name]) => name,
        );
      expect(await names('--sort-by=.metadata.name')).to.deep.equal(['got', 'got-later']);
      expect(await names('--sort-by=.metadata.labels.app')).to.deep.equal(['got', 'got-later']);
    });

    it('says that there is none', async () => {
      expect(await bench.failure('get pod nope')).to.equal(
        'Error from server (NotFound): pods "nope" not found',
      );
      const { stderr } = await bench.run(['get', 'pods', '-n', 'kube-public']);
      expect(stderr).to.equal('No resources found in kube-public namespace.\n');
      expect(await bench.failure('get deployments')).to.equal(
        'error: the server doesn\'t have a resource type "deployments"',
      );
      expect(await bench.failure('get pods -l', 'a b')).to.match(/unable to parse requirement: found 'b'/);
    });

    it('watches', async () => {
      await bench.running('watched');
      const args = 'get pods -w --output-watch-events -l app=watched';
      const seen: string[] = [];
      let deleting: Promise<string> | undefined;
      for await (const line of readLines(bench.follow(args))) {
        const [event = '', name = '', , status = ''] = line.split(/\s{2,}/);
        seen.push(`${event} ${name} ${status}`);
        if (event === 'ADDED') deleting ??= bench.print('delete pod watched --now');
        if (event === 'DELETED') break;
      }
      await deleting;
      expect(seen.slice(0, 3)).to.deep.equal([
        'EVENT NAME STATUS',
        'ADDED watched Running',
        'MODIFIED watched Terminating',
      ]);
      expect(seen.at(-1)).to.match(/^DELETED watched /);
    });

    it('shows nodes and namespaces', async () => {
      expect(cellsOf(await bench.print('get nodes'))[1]?.slice(0, 3)).to.deep.equal([
        'test-node',
        'Ready',
        '<none>',
      ]);
      expect(cellsOf(await bench.print('get ns default'))[1]?.slice(0, 2)).to.deep.equal([
        'default',
        'Active',
      ]);
      expect(await bench.print('describe node test-node')).to.match(/Non-terminated Pods: +\(\d+ in total\)/);
      expect(await bench.print('describe ns default')).to.match(/^Status: +Active$/m);
    });
  });

  describe('run, logs and wait', () => {
    it('run a pod and show its output', async () => {
      expect(await bench.print('run once --image=app:1 --restart=Never -- true')).to.equal(
        'pod/once created\n',
      );
      await bench.ready('once');
      const { args } = (await bench.get('once')).spec.containers[0] ?? {};
      expect(args).to.deep.equal(['true']);
      bench.runtime.logText = 'line 1\nline 2\n';
      expect(await bench.print('logs once')).to.equal('line 1\nline 2\n');
      expect(await bench.print('logs once --limit-bytes=6')).to.equal('line 1');
      expect(await bench.print('logs -f --tail=1 --since=1h --timestamps once')).to.equal('line 1\nline 2\n');
      expect(await bench.failure('logs once -c nope')).to.match(/container nope is not valid for pod once/);
      expect(await bench.failure('logs once -p')).to.match(
        /previous terminated container "once" in pod "once" not found/,
      );
      bench.runtime.exit('once', 3);
      await bench.print('wait --for=jsonpath={.status.phase}=Failed pod/once --timeout=20s');
      expect(cellsOf(await bench.print('get pod once'))[1]?.[2]).to.equal('Error');
      bench.runtime.logText = undefined;
    });

    it('wait for the end, and say that it did not come', async () => {
      await bench.running('waited');
      const waiting = bench.print('wait --for=delete pod/waited --timeout=20s');
      await bench.print('delete pod waited');
      expect(await waiting).to.match(/pod\/waited condition met|^$/);
      await bench.running('stays');
      expect(await bench.failure('wait --for=condition=Ready=false pod/stays --timeout=100ms')).to.match(
        /timed out waiting for the condition/,
      );
      expect(await bench.failure('wait --for=delete pod/stays --timeout=100ms')).to.match(
        /timed out waiting for the condition/,
      );
    });
  });

  describe('delete', () => {
    it('by name, label, file and all, and by force', async () => {
      await bench.print('create namespace gone');
      const inside = (line: string, ...more: readonly string[]) => bench.print(`-n gone ${line}`, ...more);
      const names = async () =>
        cellsOf(await inside('get pods -o name'))
          .flat()
          .join(' ');
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await inside(`run ${name} --image=app:1 --labels=app=${name}`);
      expect(await inside('delete pod a')).to.match(/^pod "a" deleted/);
      expect(await inside('delete pods -l app=b')).to.match(/^pod "b" deleted/);
      const file = join(bench.folder, 'c.json');
      await writeFile(file, JSON.stringify(podNamed('c')));
      expect(await inside('delete -f', file)).to.match(/^pod "c" deleted/);
      expect(await inside('delete pod d --force --grace-period=0')).to.match(/^pod "d" force deleted/);
      expect(await names()).to.equal('pod/e');
      expect(await inside('delete pods --all --now')).to.match(/^pod "e" deleted/);
      expect(await names()).to.equal('');
      expect(await bench.failure('-n gone delete pod a')).to.equal(
        'Error from server (NotFound): pods "a" not found',
      );
      expect(await inside('delete pod a --ignore-not-found')).to.equal('');
    });

    it('drains a node', async () => {
      await bench.feed('apply', podYaml('drained'));
      expect(await bench.failure('drain test-node')).to.match(
        /cannot delete Pods? (?:declare no controller|that declare no controller)/,
      );
      await bench.print('uncordon test-node');
    });
  });

  describe('events', () => {
    it('are listed, and told with the pod', async () => {
      await bench.running('told');
      const rows = cellsOf(await bench.print('get events --field-selector involvedObject.name=told'));
      expect(rows[0]).to.deep.equal(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
      expect(rows.slice(1).map(([, type, reason, object]) => [type, reason, object])).to.deep.include([
        'Normal',
        'Scheduled',
        'pod/told',
      ]);
      expect(await bench.print('events --for pod/told')).to.match(
        /Scheduled +Pod\/told +Successfully assigned default\/told to test-node/,
      );
      expect(await bench.print('describe pod told')).to.match(
        /Normal +Scheduled +.* +default-scheduler +Successfully assigned default\/told/,
      );
    });
  });

  describe('the server', () => {
    it('tells what it serves', async () => {
      const resources = cellsOf(await bench.print('api-resources --no-headers')).map(([name]) => name);
      expect(resources).to.deep.equal(['events', 'namespaces', 'nodes', 'pods']);
      expect(await bench.print('api-resources --verbs=deletecollection -o name')).to.equal(
        'events\nnodes\npods\n',
      );
      expect(await bench.print('api-versions')).to.equal('v1\n');
      expect(await bench.print('version')).to.match(/^Server Version: v1\.33\.\d+\+hawser-/m);
      expect(await bench.print('get --raw /readyz')).to.equal('ok');
    });

    it('explains its fields', async () => {
      expect(await bench.print('explain pod.spec.containers.image')).to.match(
        /FIELD: image <string>\n[^]*Container image name\./,
      );
      expect(await bench.print('explain pod.spec --recursive')).to.match(/ {4}hostPort\t<integer>/);
      expect(await bench.print('explain ns')).to.match(/^KIND: +Namespace$/m);
      expect(await bench.failure('explain pod.spec.nope')).to.match(/field "nope" does not exist/);
    });

    it('serves those of before, who read no schemas', async () => {
      expect(await bench.feed('apply --validate=false', podYaml('old'))).to.equal('pod/old created\n');
    });
  });
});
