import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from './support/ports.ts';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { type RunResult, run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox',
  'RUN mkdir /www && echo made by a build > /www/index.html',
  'EXPOSE 80',
  'CMD ["httpd", "-f", "-v", "-p", "80", "-h", "/www"]',
  '',
].join('\n');

/** A pod of two containers: a web server and one that asks it over their shared loopback. */
function podYaml(image: string, hostPort: number): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: server
      image: ${image}
      imagePullPolicy: Always
      ports:
        - containerPort: 80
          hostPort: ${hostPort}
    - name: asks
      image: ${image}
      command: [sh, -c]
      args: ['until wget -qO- http://127.0.0.1/; do :; done; hostname; trap exit TERM; while :; do sleep 0.1; done']
`;
}

function oncePod(name: string, script: string, restartPolicy: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: ${restartPolicy}
  containers:
    - {name: once, image: busybox, imagePullPolicy: Never, command: [sh, -c, '${script}']}
`;
}

describe('pods', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let registry: ServedRegistry;
  let url: string;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
    registry = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    sandbox.env['HAWSER_API'] = url;
    await sandbox.hawser('cluster', 'up', '--port', String(port));
  });
  after(async () => {
    await sandbox?.try(['pod', 'delete', '--all', '--now']);
    await sandbox?.try(['cluster', 'down']);
    await registry?.stop();
    const mounts = await sandbox?.mounts();
    await sandbox?.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
  });

  const kubectl = (...args: string[]): Promise<RunResult> =>
    run(['kubectl', '--server', url, ...args], { env: { ...sandbox.env, HOME: sandbox.folder } });
  const kubectlText = async (...args: string[]) => {
    const { code, stdout, stderr } = await kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trimEnd();
  };
  const apply = (input: string) => sandbox.try(['pod', 'apply', '-f', '-'], { input });
  const untilPhase = (name: string, phase: string) =>
    kubectlText('wait', `--for=jsonpath={.status.phase}=${phase}`, `pod/${name}`, '--timeout=20s');

  it('runs what was just built, from a registry of ours, and kubectl sees it', async () => {
    const image = `${registry.host}/web:1`;
    const hostPort = await freePort();
    await sandbox.hawser('build', '-q', '-t', image, 'app');
    await sandbox.hawser('push', '-q', image);
    await sandbox.hawser('rmi', image);
    const yaml = podYaml(image, hostPort);
    expect((await apply(yaml)).stdout).to.equal('pod/web created\n');
    await kubectlText('wait', '--for=condition=Ready', 'pod/web', '--timeout=20s');
    expect(await (await fetch(`http://127.0.0.1:${hostPort}/`)).text()).to.equal('made by a build\n');
    expect((await apply(yaml)).stdout).to.equal('pod/web unchanged\n');
    const wide = await kubectlText('get', 'pods', '-o', 'wide');
    expect(wide).to.match(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n/);
    expect(wide).to.match(/\nweb +2\/2 +Running +0 +\d+s +10\.\d+\.\d+\.\d+ +\S+ +<none> +<none>$/);
    expect(await sandbox.hawser('pod', 'get', '-o', 'wide')).to.match(/\nweb +2\/2 +Running +0 /);
    const uid = await kubectlText('get', 'pod', 'web', '-o', 'jsonpath={.metadata.uid}');
    expect(uid).to.match(/^[0-9a-f-]{36}$/);
  });

  it('shares the network and the host name of the pod', async () => {
    expect(await sandbox.hawser('pod', 'logs', 'web', '-c', 'asks')).to.equal('made by a build\nweb');
    expect(await kubectlText('logs', 'web', '-c', 'asks')).to.equal('made by a build\nweb');
  });

  it('is described alike by hawser and by kubectl', async () => {
    const plain = (text: string) =>
      text
        .replaceAll(/\d+(\.\d+)?m?s\b/g, 'N')
        .replaceAll(/ +/g, ' ')
        .trimEnd();
    const own = plain(await sandbox.hawser('pod', 'describe', 'web'));
    expect(own).to.contain('Successfully pulled image').and.to.contain('Started container server');
    expect(own).to.equal(plain(await kubectlText('describe', 'pod', 'web')));
  });

  it('goes with all that it held', async () => {
    expect(await sandbox.hawser('pod', 'delete', 'web')).to.equal('pod "web" deleted');
    expect(await kubectlText('get', 'pods', '-o', 'name')).to.equal('');
    expect(await sandbox.hawser('ps', '-aq')).to.equal('');
    expect(await sandbox.mounts()).to.deep.equal([]);
  });

  it('ends as Succeeded or Failed by its restart policy', async () => {
    expect((await apply(oncePod('fine', 'echo done', 'Never'))).code).to.equal(0);
    expect((await apply(oncePod('broken', 'echo no >&2; exit 3', 'Never'))).code).to.equal(0);
    await untilPhase('fine', 'Succeeded');
    await untilPhase('broken', 'Failed');
    const table = await sandbox.hawser('pod', 'get');
    expect(table)
      .to.match(/\nbroken +0\/1 +Error +0 /)
      .and.to.match(/\nfine +0\/1 +Completed +0 /);
    expect(await sandbox.hawser('pod', 'logs', 'broken')).to.equal('no');
    const exitCode = 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}';
    expect(await kubectlText('get', 'pod', 'broken', '-o', exitCode)).to.equal('3');
  });

  it('starts again what has failed, and keeps the output before', async () => {
    await apply(oncePod('again', 'test -f /seen && sleep 100; echo first; exit 1', 'OnFailure'));
    await kubectlText('wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', 'pod/again');
    expect(await sandbox.hawser('pod', 'logs', '--previous', 'again')).to.equal('first');
  });

  it('is Pending with the reason, where there is no image', async () => {
    await apply(oncePod('none', 'true', 'Never').replace('image: busybox', 'image: nothing:here'));
    const reason = '{.status.containerStatuses[0].state.waiting.reason}';
    await kubectlText('wait', `--for=jsonpath=${reason}=ErrImageNeverPull`, 'pod/none', '--timeout=20s');
    expect(await kubectlText('get', 'pod', 'none', '-o', 'jsonpath={.status.phase}')).to.equal('Pending');
  });

  it('runs on while the cluster is away', async () => {
    const port = new URL(url).port;
    await apply(oncePod('stays', 'trap exit TERM; while :; do sleep 0.1; done', 'Always'));
    await untilPhase('stays', 'Running');
    const id = '{.status.containerStatuses[0].containerID}';
    const before = await kubectlText('get', 'pod', 'stays', '-o', `jsonpath=${id}`);
    expect(await sandbox.hawser('cluster', 'down')).to.equal('cluster: stopped');
    const away = await sandbox.try(['pod', 'get']);
    expect(away.code).to.equal(1);
    expect(away.stderr).to.contain('API_UNREACHABLE').and.to.contain('hawser cluster up');
    expect(await sandbox.hawser('ps', '--format', '{{.Names}}')).to.contain('k8s_once_stays_default');
    await sandbox.hawser('cluster', 'up', '--port', port);
    await untilPhase('stays', 'Running');
    expect(await kubectlText('get', 'pod', 'stays', '-o', `jsonpath=${id}`)).to.equal(before);
    expect(await sandbox.hawser('cluster', 'status')).to.contain(`cluster: running, ${url}`);
  });

  it('deletes what a file names', async () => {
    const input = oncePod('fine', 'echo done', 'Never');
    const deleted = await sandbox.try(['pod', 'delete', '-f', '-'], { input });
    expect(deleted.stderr).to.equal('');
    expect(deleted.stdout).to.equal('pod "fine" deleted\n');
    const again = await sandbox.try(['pod', 'delete', '-f', '-'], { input });
    expect(again.code).to.equal(1);
    expect(again.stderr).to.contain('pods "fine" not found [NOT_FOUND]');
  });

  it('says where a file is wrong', async () => {
    const wrong = await apply(oncePod('x', 'true', 'Never').replace('image:', 'imag:'));
    expect(wrong.code).to.equal(1);
    expect(wrong.stderr).to.contain('unknown field "spec.containers[0].imag"');
    expect(wrong.stderr).to.contain('at -:7:20').and.to.contain('Did you mean image?');
    const policy = await apply(oncePod('x', 'true', 'Sometimes'));
    expect(policy.code).to.equal(1);
    expect(policy.stderr).to.contain('spec.restartPolicy').and.to.contain('at -:5:18');
  });

  it('does not take a port that another has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const elsewhere = await Sandbox.create();
    try {
      const failed = await elsewhere.try(['cluster', 'up', '--port', String(port)]);
      expect(failed.code).to.equal(1);
      expect(failed.stderr).to.contain('the port is taken');
    } finally {
      await elsewhere.dispose();
      other.close();
    }
  });
});
