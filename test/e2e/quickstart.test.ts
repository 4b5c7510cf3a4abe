import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const script = new URL('../../scripts/quickstart.js', import.meta.url).pathname;
const ports = [5000, 8080, 8888];

async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // nobody listens
  } finally {
    socket.destroy();
  }
}

describe("README's first command", function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  const pids: number[] = [];

  before(async function () {
    const taken: number[] = [];
    for (const port of ports) if (await isTaken(port)) taken.push(port);
    if (taken.length > 0) {
      console.log(`skipped: port ${taken.join(', ')} is taken`);
      this.skip();
    }
    sandbox = await Sandbox.create();
  });
  after(async () => {
    if (sandbox === undefined) return;
    await sandbox.try(['pod', 'delete', '--all']);
    await sandbox.try(['cluster', 'down']);
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
  });

  const quickstart = async () => {
    const { stdout } = await run([process.execPath, script], {
      env: sandbox.env,
      check: true,
      timeout: 280_000,
    });
    const pid = /process (\d+), volume/.exec(stdout)?.[1];
    if (pid !== undefined) pids.push(Number(pid));
    return stdout;
  };

  it('ends with a page of nginx in a pod, from a Dockerfile by way of a registry', async () => {
    const said = await quickstart();
    expect(said).to.contain('http://127.0.0.1:8888/ → Welcome to nginx!');
    expect(said).to.match(/\nnginx +1\/1 +Running +0 /);
    const page = await fetch('http://127.0.0.1:8888/');
    expect(page.headers.get('server')).to.match(/^nginx\//);
  });

  it('can be run again', async () => {
    const said = await quickstart();
    expect(said)
      .to.contain('pod/nginx unchanged')
      .and.to.contain('already there')
      .and.to.contain('Welcome to nginx!');
  });

  it('leaves a pod that the real kubectl sees without being told where', async () => {
    const env = { ...sandbox.env, HOME: sandbox.folder, KUBECONFIG: undefined };
    const { stdout } = await run(['kubectl', 'get', 'pods', '-o', 'name'], { env, check: true });
    expect(stdout).to.equal('pod/nginx\n');
  });

  it('leaves an image that skopeo finds in the registry', async () => {
    const inspect = ['skopeo', 'inspect', '--tls-verify=false', 'docker://127.0.0.1:5000/nginx:1.22'];
    const { stdout } = await run(inspect, { check: true });
    expect(JSON.parse(stdout)).to.include({ Name: '127.0.0.1:5000/nginx', Os: 'linux' });
  });
});
