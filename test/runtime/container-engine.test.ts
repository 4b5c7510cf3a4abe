import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { readLogs } from '../../src/runtime/container-logs.ts';
import { findContainer, listContainers, stateOf } from '../../src/runtime/container-state.ts';
import type { ContainerRequest } from '../../src/runtime/container-types.ts';
import { createContainer } from '../../src/runtime/create-container.ts';
import { execInContainer } from '../../src/runtime/exec-container.ts';
import { inspectContainer } from '../../src/runtime/inspect-container.ts';
import { removeContainer } from '../../src/runtime/remove-container.ts';
import { runAttached } from '../../src/runtime/run-attached.ts';
import { startContainer } from '../../src/runtime/start-container.ts';
import { killContainer, restartContainer, stopContainer } from '../../src/runtime/stop-container.ts';
import { sweepContainers } from '../../src/runtime/sweep-containers.ts';
import { findVolume, listVolumes, volumeData } from '../../src/runtime/volumes.ts';
import { waitContainer } from '../../src/runtime/wait-container.ts';
import { lackingForContainers, openTestEngine, type TestEngine } from './support/engine.ts';

describe('containers', function () {
  this.timeout(60_000);
  let test: TestEngine;

  before(function () {
    const missing = lackingForContainers();
    if (missing === undefined) return;
    console.log(`      skipped: ${missing} is missing`);
    this.skip();
  });
  beforeEach(async () => {
    test = await openTestEngine();
  });
  afterEach(() => test?.dispose());

  const none = { network: { kind: 'none' } } as const;
  const create = (script: string, over: Partial<ContainerRequest> = {}) =>
    createContainer(test.engine, { image: test.image, args: ['sh', '-c', script], ...none, ...over });
  const start = async (script: string, over: Partial<ContainerRequest> = {}) => {
    const { record } = await create(script, over);
    await startContainer(test.engine, record.id);
    return record.id;
  };
  const foreground = async (script: string, over: Partial<ContainerRequest> = {}, stdin?: PassThrough) => {
    const { record } = await create(script, over);
    const output = { stdout: '', stderr: '' };
    const onOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => {
      output[stream] += Buffer.from(chunk).toString();
    };
    const state = await runAttached(test.engine, record.id, {
      onOutput,
      ...(stdin === undefined ? {} : { stdin }),
    });
    return { ...output, exitCode: state.exitCode, id: record.id };
  };
  const logOf = async (id: string, options: Parameters<typeof readLogs>[2] = {}) => {
    const lines: string[] = [];
    for await (const line of readLogs(test.engine, id, options))
      lines.push(`${line.stream}: ${line.content}`);
    return lines.join('');
  };
  /** Waits for what another process does. */
  const until = async (condition: () => boolean) => {
    for (let count = 0; !condition(); count++) {
      if (count > 400) throw new Error('it did not come true');
      await delay(25);
    }
  };
  const failure = async (work: Promise<unknown>) => {
    try {
      await work;
    } catch (error) {
      if (isHawserError(error)) return `${error.code} ${error.message}`;
      throw error;
    }
    return 'no error';
  };

  it('runs in the foreground, tells the streams apart, and gives the exit code', async () => {
    const result = await foreground('echo out; echo err >&2; exit 3', { autoRemove: true });
    expect(result).to.include({ stdout: 'out\n', stderr: 'err\n', exitCode: 3 });
    expect(listContainers(test.engine)).to.deep.equal([]);
    expect(existsSync(join(test.engine.run, 'containers', result.id))).to.equal(false);
  });

  it('feeds stdin until its end', async () => {
    const stdin = new PassThrough();
    const big = 'x'.repeat(100_000);
    stdin.end(`${big}\n`);
    const result = await foreground('cat', { stdin: true }, stdin);
    expect(result.stdout).to.equal(`${big}\n`);
  });

  it('gives a terminal', async () => {
    const result = await foreground('test -t 0 && test -t 1 && echo $TERM', { tty: true });
    expect(result.stdout).to.equal('xterm\r\n');
  });

  it('runs on without hawser; logs, exec, inspect, stop and rm find it', async () => {
    const id = await start(
      'trap "echo bye; exit 5" TERM; echo ready; echo problem >&2; while :; do sleep 0.05; done',
      {
        name: 'worker',
      },
    );
    expect(findContainer(test.engine, 'worker').record.id).to.equal(id);
    expect(findContainer(test.engine, id.slice(0, 6)).state.status).to.equal('running');
    await until(() =>
      readFileSync(join(test.engine.root, 'containers', id, 'ctr.log'), 'utf8').includes('problem'),
    );
    expect(await logOf(id))
      .to.contain('stdout: ready\n')
      .and.to.contain('stderr: problem\n');
    const state = await stopContainer(test.engine, id);
    expect(state).to.include({ status: 'exited', exitCode: 5 });
    expect(await logOf(id, { tail: 1 })).to.equal('stdout: bye\n');
    expect(inspectContainer(test.engine, findContainer(test.engine, id))).to.nested.include({
      'State.ExitCode': 5,
      Name: '/worker',
    });
    expect(await removeContainer(test.engine, id)).to.equal(true);
    expect(await failure(Promise.resolve().then(() => findContainer(test.engine, 'worker')))).to.contain(
      'CONTAINER_UNKNOWN',
    );
  });

  it('runs commands inside, as any user', async () => {
    const id = await start('sleep 60');
    const run = async (args: readonly string[], over: object = {}) => {
      let stdout = '';
      const onOutput = (_: string, chunk: Uint8Array) => {
        stdout += Buffer.from(chunk).toString();
      };
      const { exitCode } = await execInContainer(test.engine, id, { args, io: { onOutput }, ...over });
      return `${exitCode} ${stdout}`;
    };
    expect(await run(['sh', '-c', 'echo $FROM_IMAGE $MORE; exit 4'], { env: ['MORE=2'] })).to.equal(
      '4 1 2\n',
    );
    expect(await run(['id', '-G'], { user: 'app' })).to.equal('0 1000 2000\n');
    expect(await run(['pwd'], { workingDir: '/tmp' })).to.equal('0 /tmp\n');
    expect(await failure(run(['nope']))).to.contain('COMMAND_NOT_FOUND');
    expect(await failure(run(['/etc']))).to.contain('COMMAND_NOT_EXECUTABLE');
    const abort = new AbortController();
    const sleeping = failure(run(['sleep', '50'], { signal: abort.signal }));
    await delay(100);
    abort.abort();
    expect(await sleeping).to.contain('ABORTED');
    await killContainer(test.engine, id);
    expect(await waitContainer(test.engine, id)).to.include({ exitCode: 137 });
    expect(await failure(run(['id']))).to.contain('CONFLICT');
  });

  it('has a layer of its own: the image stays, and the next container sees nothing', async () => {
    const first = await foreground('rm /www/index.html && echo mine > /mine && cat /mine');
    expect(first.stdout).to.equal('mine\n');
    expect((await foreground('cat /www/index.html; ls /mine 2>/dev/null')).stdout).to.equal(
      'hello from the image\n',
    );
    // the layer lives as long as its container
    await startContainer(test.engine, first.id);
    expect((await waitContainer(test.engine, first.id)).exitCode).to.equal(1);
  });

  it('restarts', async () => {
    const id = await start('sleep 60', { stopTimeout: 0 });
    const { pid } = stateOf(test.engine, id);
    await restartContainer(test.engine, id);
    expect(stateOf(test.engine, id).status).to.equal('running');
    expect(stateOf(test.engine, id).pid).to.not.equal(pid);
  });

  it('--rm without a hawser: conmon calls the cleanup', async () => {
    const id = await start('exit 0', { autoRemove: true, mounts: [{ type: 'volume', target: '/data' }] });
    await until(() => !existsSync(join(test.engine.root, 'containers', id)));
    expect(existsSync(join(test.engine.run, 'containers', id))).to.equal(false);
    expect(listVolumes(test.engine)).to.deep.equal([]);
    expect(await test.engine.snapshotter.find(`container-${id}`)).to.equal(undefined);
  });

  it('publishes ports, also on the loopback, and says which is taken', async () => {
    const port = { hostIP: '', hostPort: 0, containerPort: 80, protocol: 'tcp' } as const;
    const bridge = { network: { kind: 'bridge' }, ports: [port] } as const;
    const id = await start('exec httpd -f -p 80 -h /www', bridge);
    const started = findContainer(test.engine, id).start;
    const hostPort = started?.ports[0]?.hostPort ?? 0;
    for (const host of ['127.0.0.1', started?.network?.gateway ?? '']) {
      expect(await fetchText(`http://${host}:${hostPort}/`)).to.equal('hello from the image\n');
    }
    expect(await fetchText(`http://${started?.network?.address}/`)).to.equal('hello from the image\n');
    const second = await create('sleep 9', { ...bridge, ports: [{ ...port, hostPort }] });
    expect(await failure(startContainer(test.engine, second.record.id))).to.match(
      /ADDRESS_IN_USE .* by container/,
    );
    await removeContainer(test.engine, id, { force: true });
    expect(execFileSync('iptables', ['-t', 'nat', '-S']).toString()).to.not.contain(id);
    await startContainer(test.engine, second.record.id);
    expect(stateOf(test.engine, second.record.id).status).to.equal('running');
  });

  it('says that a port of another program is taken, and leaves nothing', async () => {
    const server = createServer().listen(0);
    const address = server.address();
    const hostPort = typeof address === 'object' && address !== null ? address.port : 0;
    const ports = [{ hostIP: '', hostPort, containerPort: 80, protocol: 'tcp' }] as const;
    const { record } = await create('sleep 9', { network: { kind: 'bridge' }, ports });
    expect(await failure(startContainer(test.engine, record.id))).to.contain('ADDRESS_IN_USE');
    server.close();
    expect(existsSync(join(test.engine.run, 'containers', record.id))).to.equal(false);
  });

  it('gives a container its own network, hostname and hosts', async () => {
    const result = await foreground('hostname; cat /etc/hosts; ip -o -4 addr', {
      network: { kind: 'bridge' },
      hostname: 'box',
      extraHosts: [{ host: 'db', address: '10.9.8.7' }],
    });
    expect(result.stdout)
      .to.match(/^box\n/)
      .and.to.match(/10\.\d+\.\d+\.\d+\tbox\n10\.9\.8\.7\tdb\n/);
    expect(result.stdout).to.contain('eth0');
    expect((await foreground('ip -o link | grep -c .')).stdout).to.equal('1\n');
  });

  it('joins another container’s network', async () => {
    const id = await start('exec httpd -f -p 80 -h /www');
    const joined = await foreground('wget -qO- http://127.0.0.1/', { network: { kind: 'container', id } });
    expect(joined.stdout).to.equal('hello from the image\n');
  });

  it('mounts binds, volumes and tmpfs', async () => {
    const source = join(test.engine.root, 'host-folder');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'of the host\n');
    const mounts: ContainerRequest['mounts'] = [
      { type: 'bind', source, target: '/bind', readOnly: true },
      { type: 'volume', name: 'site', target: '/www' },
      { type: 'tmpfs', target: '/scratch', size: 65536 },
    ];
    const first = await foreground(
      'cat /bind/file /www/index.html; touch /bind/x; echo new > /www/new; touch /scratch/y',
      { mounts },
    );
    expect(first.stdout).to.equal('of the host\nhello from the image\n');
    expect(first.stderr).to.contain('Read-only');
    expect(first.exitCode).to.equal(0);
    expect((await foreground('ls /www; ls /scratch', { mounts })).stdout).to.equal('index.html\nnew\n');
    expect(findVolume(test.engine, 'site')?.anonymous).to.equal(false);
    await removeContainer(test.engine, first.id, { volumes: true });
    expect(existsSync(join(volumeData(test.engine, 'site'), 'new'))).to.equal(true);
    const missing = [{ type: 'bind', source: '/no/such/folder', target: '/x', mustExist: true }] as const;
    expect(await failure(foreground('true', { mounts: missing }))).to.contain('/no/such/folder');
  });

  it('exit codes of what cannot start: 127, 126, 125', async () => {
    const { record } = await createContainer(test.engine, { image: test.image, args: ['nope'], ...none });
    expect(await failure(startContainer(test.engine, record.id))).to.contain('COMMAND_NOT_FOUND');
    expect(stateOf(test.engine, record.id)).to.include({ status: 'exited', exitCode: 127 });
    const folder = await createContainer(test.engine, { image: test.image, args: ['/etc'], ...none });
    expect(await failure(startContainer(test.engine, folder.record.id))).to.contain('COMMAND_NOT_EXECUTABLE');
    const user = await create('true', { user: 'nobody-here' });
    expect(await failure(startContainer(test.engine, user.record.id))).to.contain('user "nobody-here"');
    expect(existsSync(join(test.engine.run, 'containers', user.record.id))).to.equal(false);
  });

  it('names are unique, and free again afterwards', async () => {
    const { record } = await create('true', { name: 'one' });
    expect(await failure(create('true', { name: 'one' }))).to.contain('ALREADY_EXISTS');
    await removeContainer(test.engine, record.id);
    expect((await create('true', { name: 'one' })).record.name).to.equal('one');
    expect(await failure(create('true', { name: '../x' }))).to.contain('INVALID_ARGUMENT');
    expect((await create('true')).record.name).to.match(/^[a-z]+_[a-z]+/);
  });

  it('kill -9 of the container shows as 137, of its conmon as a container that runs on', async () => {
    const id = await start('sleep 60');
    process.kill(findContainer(test.engine, id).start?.conmon?.pid ?? 0, 'SIGKILL');
    expect(stateOf(test.engine, id).status).to.equal('running');
    process.kill(stateOf(test.engine, id).pid ?? 0, 'SIGKILL');
    expect(await waitContainer(test.engine, id)).to.include({ status: 'exited', exitCode: 255 });
    await sweepContainers(test.engine);
    expect(existsSync(join(test.engine.run, 'containers', id))).to.equal(false);
    const other = await start('sleep 60');
    process.kill(stateOf(test.engine, other).pid ?? 0, 'SIGKILL');
    expect(await waitContainer(test.engine, other)).to.include({ status: 'exited', exitCode: 137 });
  });

  it('follows logs to the end', async () => {
    const id = await start('for i in 1 2 3; do echo $i; sleep 0.1; done; printf no-newline');
    expect(await logOf(id, { follow: true })).to.equal('stdout: 1\nstdout: 2\nstdout: 3\nstdout: no-newline');
    expect(await logOf(id, { tail: 2 })).to.equal('stdout: 3\nstdout: no-newline');
    expect(await logOf(id, { tail: 0 })).to.equal('');
    expect(await logOf(id, { since: '2999-01-01T00:00:00Z' })).to.equal('');
  });

  it('limits memory, processes and rights as asked', async () => {
    const over = {
      resources: { memory: 32 * 1024 * 1024, pids: 20 },
      readOnlyRootfs: true,
      noNewPrivileges: true,
      capabilities: { drop: ['ALL'] },
    } as const;
    const result = await foreground('grep -E "CapBnd|NoNewPrivs" /proc/self/status; touch /x', over);
    expect(result.stdout).to.contain('CapBnd:\t0000000000000000').and.to.contain('NoNewPrivs:\t1');
    expect(result.stderr).to.contain('Read-only file system');
  });

  it('image VOLUMEs are anonymous volumes with the image’s content, links inside the rootfs (CVE-2022-23648)', async () => {
    await test.dispose();
    test = await openTestEngine({ Volumes: { '/www': {}, '/link/../../../../etc': {} } });
    expect(
      (await foreground('cat /www/index.html; grep -c root /etc/passwd', { autoRemove: true })).stdout,
    ).to.equal('hello from the image\n1\n');
    expect(listVolumes(test.engine)).to.deep.equal([]);
  });
});

/** Tries again while the server is not up yet. */
async function fetchText(url: string): Promise<string> {
  for (let count = 0; ; count++) {
    try {
      return await new Promise<string>((resolve, reject) => {
        const request = get(url, { agent: false, timeout: 5000 }, response => resolve(text(response)));
        request.on('timeout', () => request.destroy(new Error('timeout')));
        request.on('error', reject);
      });
    } catch (error) {
      if (count > 40) throw error;
      await delay(50);
    }
  }
}
