import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { ApiClient } from '../../src/orchestrator/client/api-client.ts';
import { applyFiles } from '../../src/orchestrator/client/apply-files.ts';
import { hasKubectl, type KubectlBench, openKubectl, podYaml, titleWithKubectl } from './support/kubectl.ts';

describe(titleWithKubectl('kubectl: changes'), function () {
  this.timeout(60_000);
  let bench: KubectlBench;
  before(async function () {
    if (!hasKubectl) this.skip();
    bench = await openKubectl();
  });
  after(() => bench?.close());

  describe('apply and create', () => {
    it('tell what came of it', async () => {
      expect(await bench.feed('apply', podYaml('applied'))).to.equal('pod/applied created\n');
      expect(await bench.feed('apply', podYaml('applied'))).to.equal('pod/applied unchanged\n');
      expect(await bench.feed('apply', podYaml('applied', 'other:1'))).to.equal('pod/applied configured\n');
      expect((await bench.get('applied')).spec.containers[0]?.image).to.equal('other:1');
      expect(await bench.feed('diff', podYaml('applied', 'other:1'))).to.equal('');
      const dry = await bench.feed('apply --dry-run=server', podYaml('applied'));
      expect(dry).to.equal('pod/applied configured (server dry run)\n');
      expect((await bench.get('applied')).spec.containers[0]?.image).to.equal('other:1');
    });

    it('take away what is no longer wanted', async () => {
      const labelled = podYaml('cut').replace('{app: cut}', '{app: cut, old: x}');
      await bench.feed('apply', labelled);
      await bench.print('label pod cut others=y');
      await bench.feed('apply', podYaml('cut'));
      expect((await bench.get('cut')).metadata.labels).to.deep.equal({ app: 'cut', others: 'y' });
    });

    it('follow hawser, and are followed by it', async () => {
      const byHawser = async (text: string) => {
        const printed: string[] = [];
        const input = (async function* () {
          yield Buffer.from(text);
        })();
        const options = { print: (line: string) => printed.push(line), warn: () => undefined, input };
        await applyFiles(new ApiClient(bench.cluster.url), ['-'], options);
        return printed.join();
      };
      const text = podYaml('both').replace(
        '{app: both}',
        '{app: both}\n  annotations: {html: "<a&b>", n: "1"}',
      );
      expect(await byHawser(text)).to.equal('pod/both created');
      expect(await bench.feed('apply', text)).to.equal('pod/both unchanged\n');
      const changed = text.replace('app:1', 'other:1');
      expect(await bench.feed('apply', changed)).to.equal('pod/both configured\n');
      expect(await byHawser(changed)).to.equal('pod/both unchanged');
    });

    it('say what is wrong', async () => {
      const field = await bench.feedFailure('apply', podYaml('wrong').replace('image:', 'imgae:'));
      expect(field).to.match(/strict decoding error: unknown field "spec\.containers\[0\]\.imgae"/);
      const type = await bench.feedFailure(
        'apply',
        podYaml('wrong').replace('containerPort: 80', 'containerPort: http'),
      );
      expect(type).to.match(/cannot unmarshal string into Go struct field ContainerPort/);
      const name = await bench.feedFailure('apply', podYaml('wrong').replace('name: app', 'name: App'));
      expect(name).to.match(
        /^The Pod "wrong" is invalid: spec\.containers\[0\]\.name: Invalid value: "App": a lowercase RFC 1123 label/,
      );
      const loose = await bench.run(['apply', '--validate=warn', '-f', '-'], {
        input: podYaml('loose').replace('ports:', 'prots: 1\n    ports:'),
      });
      expect([loose.code, loose.stderr]).to.deep.equal([
        0,
        'Warning: unknown field "spec.containers[0].prots"\n',
      ]);
      await bench.feed('apply', podYaml('fixed'));
      const fixed = await bench.feedFailure('apply', podYaml('fixed', 'app:1', '  hostname: x\n'));
      expect(fixed).to.match(
        /The Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields/,
      );
    });

    it('refuse what they cannot do', async () => {
      const file = join(bench.folder, 'pod.yaml');
      await writeFile(file, podYaml('twice'));
      expect(await bench.print('create -f', file)).to.equal('pod/twice created\n');
      expect(await bench.failure('create -f', file)).to.equal(
        `Error from server (AlreadyExists): error when creating "${file}": pods "twice" already exists`,
      );
      expect(await bench.failure('apply --server-side -f', file)).to.match(
        /server-side apply is not offered: use kubectl apply without --server-side/,
      );
      expect(await bench.failure('create configmap x')).to.match(
        /NotFound|could not find the requested resource/,
      );
    });

    it('make namespaces', async () => {
      expect(await bench.print('create namespace team')).to.equal('namespace/team created\n');
      await bench.print('run inside -n team --image=app:1');
      expect(await bench.print('get pods -n team -o name')).to.equal('pod/inside\n');
      expect(await bench.print('delete namespace team')).to.match(/^namespace "team" deleted/);
      expect(await bench.failure('get ns team')).to.match(/namespaces "team" not found/);
      expect(await bench.failure('delete namespace default')).to.match(/this namespace may not be deleted/);
    });
  });

  describe('changes', () => {
    before(() => bench.running('changed'));
    const labels = async () => (await bench.get('changed')).metadata.labels;

    it('of labels and annotations', async () => {
      expect(await bench.print('label pod changed tier=front')).to.equal('pod/changed labeled\n');
      expect(await bench.failure('label pod changed tier=back')).to.match(
        /already has a value \(front\), and --overwrite is false/,
      );
      await bench.print('label --overwrite pod changed tier=back');
      expect(await labels()).to.deep.equal({ app: 'changed', tier: 'back' });
      expect(await bench.print('label pod changed tier-')).to.equal('pod/changed unlabeled\n');
      expect(await bench.print('annotate pod changed', 'note=a b')).to.equal('pod/changed annotated\n');
      expect((await bench.get('changed')).metadata.annotations).to.include({ note: 'a b' });
      expect(await bench.failure('label pod changed tier=-')).to.match(
        /a valid label must be an empty string/,
      );
    });

    it('by patches of three kinds', async () => {
      const patch = (type: string, body: unknown) =>
        bench.print('patch pod changed --type', type, '-p', JSON.stringify(body));
      expect(
        await patch('strategic', { spec: { containers: [{ name: 'app', image: 'other:1' }] } }),
      ).to.equal('pod/changed patched\n');
      expect((await bench.get('changed')).spec.containers[0]).to.deep.include({
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
      expect(await bench.failure('patch pod changed --type json -p', JSON.stringify(test))).to.match(
        /testing value \/metadata\/labels\/c failed/,
      );
    });

    it('in an editor', async () => {
      const edit = (script: string) =>
        bench.run(['edit', 'pod', 'changed'], { env: { EDITOR: `sed -i ${script}` } });
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
      expect(await bench.print('set image pod/changed app=app:1')).to.equal('pod/changed image updated\n');
      expect(await bench.print('cordon test-node')).to.equal('node/test-node cordoned\n');
      await bench.print('run late --image=app:1');
      await bench.print(
        'wait --for=jsonpath={.status.conditions[0].reason}=Unschedulable pod/late --timeout=20s',
      );
      expect(await bench.print('uncordon test-node')).to.equal('node/test-node uncordoned\n');
      await bench.ready('late');
      expect(await bench.print('taint node test-node a=b:PreferNoSchedule')).to.equal(
        'node/test-node tainted\n',
      );
      expect(await bench.print('taint node test-node a-')).to.equal('node/test-node untainted\n');
    });

    it('by replacing', async () => {
      const input = (await bench.print('get pod changed -o json')).replace(
        '"app": "edited"',
        '"app": "again"',
      );
      expect(await bench.feed('replace', input)).to.equal('pod/changed replaced\n');
      expect(await labels()).to.include({ app: 'again' });
      expect(await bench.feed('replace --force', podYaml('changed'))).to.match(/pod\/changed replaced\n$/);
      await bench.ready('changed');
    });
  });
});
