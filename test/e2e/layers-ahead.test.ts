import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Gate, gatedRun } from './support/gate.ts';
import { type ServedRegistry, serveDebian, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox AS build',
  'RUN head -c 300000 /dev/urandom > /first',
  gatedRun('echo > /second'),
  'RUN echo > /third',
  'FROM scratch',
  'COPY --from=build /third /third',
  '',
].join('\n');

describe('layers of finished steps', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let registry: ServedRegistry | undefined;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
  });
  afterEach(async () => {
    await registry?.stop();
    registry = undefined;
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts).to.deep.equal([]);
  });

  const volume = () => join(sandbox.folder, 'volume');
  const start = (...flags: string[]) => {
    const child = sandbox.start('build', '--progress', 'plain', '-t', 'app', ...flags, 'app');
    const log: string[] = [];
    child.stdout.resume();
    child.stderr.on('data', chunk => log.push(String(chunk)));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number, log: log.join('') }));
    return { log, ended };
  };
  /** Digests of the blobs that a registry has. */
  const blobs = (folder: string) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path =>
          /\b[0-9a-f]{64}.data$/.test(path),
        )
      : [];

  for (const [kind, serve] of [
    ['hawser', serveHawser],
    ['debian', serveDebian],
  ] as const) {
    it(`are at the registry (${kind}) before the next one ends`, async () => {
      registry = await serve(sandbox, volume());
      const ref = `${registry.host}/app/cache`;
      const building = start('--cache-to', `type=registry,ref=${ref},mode=max`);
      const gate = await Gate.reached(sandbox);
      while (blobs(volume()).length === 0) await delay(10);
      expect(building.log.join('')).not.to.match(/echo > .third/);
      await gate.open();
      const { code, log } = await building.ended;
      expect(code, log).to.equal(0);
      await sandbox.hawser('builder', 'prune', '-af');
      expect(await sandbox.hawser('image', 'rm', 'app')).not.to.equal('');
      const again = await sandbox.try(['build', '--progress', 'plain', '--cache-from', ref, 'app']);
      expect(again.stderr.match(/ CACHED/g)).to.have.length(4);
    });
  }

  it('are pushed before the last one ends', async () => {
    registry = await serveHawser(sandbox, volume());
    const name = `${registry.host}/app`;
    const stages = ['FROM busybox', 'RUN head -c 300000 /dev/urandom > /first', gatedRun('echo > /last'), ''];
    await sandbox.write({ 'app/Dockerfile': stages.join('\n') });
    const building = start('--output', `type=image,name=${name},push=true`);
    const gate = await Gate.reached(sandbox);
    while (blobs(volume()).length === 0) await delay(10);
    await gate.open();
    const { code, log } = await building.ended;
    expect(code, log).to.equal(0);
    const { stdout } = await run(['skopeo', 'inspect', '--tls-verify=false', `docker://${name}`], {
      check: true,
    });
    const { Layers } = JSON.parse(stdout) as { readonly Layers: readonly string[] };
    expect(Layers).to.have.length(3);
    const first = blobs(volume()).filter(path => path.includes((Layers[1] ?? '').slice(7)));
    expect(first).to.have.length(1);
  });

  it('that went to a registry which is gone then leave a clear end, and the image', async () => {
    registry = await serveHawser(sandbox, volume());
    const building = start('--cache-to', `type=registry,ref=${registry.host}/cache,mode=max`);
    const gate = await Gate.reached(sandbox);
    while (blobs(volume()).length === 0) await delay(10);
    await registry.stop('SIGKILL');
    await gate.open();
    const { code, log } = await building.ended;
    expect(code, log).to.equal(1);
    expect(log)
      .to.include(registry.host)
      .and.match(/REGISTRY_UNREACHABLE|cannot reach|connect/);
    expect(await sandbox.hawser('image', 'ls')).to.include('app');
    await sandbox.hawser('system', 'fsck');
  });

  it('do not change how a build ends that fails', async () => {
    registry = await serveHawser(sandbox, volume());
    await sandbox.write({ 'app/Dockerfile': 'FROM busybox\nRUN echo > /first\nRUN exit 7\n' });
    const building = start('--cache-to', `type=registry,ref=${registry.host}/cache`);
    const { code, log } = await building.ended;
    expect(code).to.equal(1);
    expect(log).to.include('exit 7');
  });
});
