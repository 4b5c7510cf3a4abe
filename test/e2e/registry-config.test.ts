import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { makeCertificate } from '../registry-server/support/certificates.ts';
import { DockerRegistry } from '../registry-server/support/docker-registry.ts';
import { isInstalled, pushImage, send } from '../registry-server/support/registry.ts';
import { TestBucket } from '../registry-server/support/s3.ts';
import { DockerDaemon } from './support/dockerd.ts';
import { freePort } from './support/ports.ts';
import { serveDebian } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

describe('registry from the command line', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let stops: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    sandbox = await Sandbox.create();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await sandbox.dispose();
  });

  const volume = () => join(sandbox.folder, 'volume');
  const basic = (user: string, password: string) => ({
    Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });

  /** Starts `hawser registry serve ARGS` and waits for its first line; what it says. */
  async function serve(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    Object.assign(sandbox.env, env);
    const child = sandbox.start('registry', 'serve', ...args);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdout.resume();
    stops.push(async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      for (const name of Object.keys(env)) delete sandbox.env[name];
    });
    while (!/serving .* on /.test(said)) {
      if (child.exitCode !== null) throw new Error(said);
      await delay(10);
    }
    return { child, said: () => said };
  }

  it('serves by a configuration file of registry:2, which variables override', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const config = [
      'version: 0.1',
      'log: {fields: {service: registry}, formatter: json}',
      `storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: ${volume()}}}`,
      `http: {addr: "127.0.0.1:${port}", headers: {X-Content-Type-Options: [nosniff]}, secret: x}`,
      'health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}',
    ];
    await sandbox.write({ 'config.yml': config.join('\n') });
    const env = {
      REGISTRY_HTTP_ADDR: `127.0.0.1:${other}`,
      REGISTRY_STORAGE_DELETE_ENABLED: 'true',
      REGISTRY_PORT: 'tcp://10.0.0.1:5000',
    };
    const { said } = await serve(['config.yml'], env);
    const url = `http://127.0.0.1:${other}`;
    const image = await pushImage(url, 'a', { tag: 'v1' });
    expect((await send(url, `DELETE /v2/a/manifests/${image.manifest}`)).status).to.equal(202);
    const lines = said()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ msg }) => msg)).to.include(
      'http.secret changes nothing: the state of an upload lies on the volume: there is nothing to sign',
    );
    expect(lines.map(({ msg }) => msg)).to.include(
      'REGISTRY_PORT: no section of the configuration has that name; it is not used',
    );
    const put = lines.find(
      line => line['http.request.method'] === 'PUT' && String(line['http.request.uri']).includes('manifests'),
    );
    expect(put).to.include({ service: 'registry', level: 'info', 'http.response.status': 201 });
  });

  it('deletes nothing by a file that does not allow it, as registry:2', async () => {
    const port = await freePort();
    await sandbox.write({
      'config.yml': `version: 0.1\nstorage: {filesystem: {rootdirectory: ${volume()}}}\nhttp: {addr: "127.0.0.1:${port}"}`,
    });
    await serve([], { REGISTRY_CONFIGURATION_PATH: 'config.yml' });
    const url = `http://127.0.0.1:${port}`;
    await pushImage(url, 'a', { tag: 'v1' });
    expect((await send(url, 'DELETE /v2/a/manifests/v1')).status).to.equal(405);
  });

  it('refuses what it cannot honour with the line and the next step', async () => {
    await sandbox.write({
      'config.yml': 'version: 0.1\nstorage:\n  filesystem: {}\n  delete: {enable: true}\n',
    });
    const slip = await sandbox.try(['registry', 'serve', 'config.yml']);
    expect(slip.code).to.equal(2);
    expect(slip.stderr).to.contain('config.yml:4:').and.to.contain('Did you mean enabled?');
    const none = await sandbox.try(['registry', 'serve', 'none.yml']);
    expect([none.code, none.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && text.includes('none.yml'),
    );
    sandbox.env.REGISTRY_STORAGE = 'gcs';
    const gcs = await sandbox.try(['registry', 'serve']);
    delete sandbox.env.REGISTRY_STORAGE;
    expect(gcs.stderr).to.contain('storage.gcs: cannot be honoured');
  });

  it('keeps a volume in a bucket, and collects and verifies there', async () => {
    const bucket = await TestBucket.start();
    try {
      const { endpoint, credentials, region, bucket: name } = bucket.storage;
      const port = await freePort();
      const keys = `accesskey: ${credentials?.accessKeyId}, secretkey: ${credentials?.secretAccessKey}`;
      const s3 = `{region: ${region}, regionendpoint: "${endpoint}", bucket: ${name}, rootdirectory: /x, ${keys}}`;
      await sandbox.write({
        'config.yml': `version: 0.1\nstorage:\n  s3: ${s3}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
      });
      const empty = await sandbox.try(['registry', 'gc', 'config.yml']);
      expect(empty.stderr).to.contain(`s3://${name}/x is no volume`);
      await serve(['config.yml'], {});
      const { layer } = await pushImage(`http://127.0.0.1:${port}`, 'a', { tag: 'v1' });
      const answer = await fetch(`http://127.0.0.1:${port}/v2/a/blobs/${layer}`);
      expect([answer.redirected, await answer.text()]).to.deep.equal([true, 'layer v1']);
      expect((await sandbox.try(['registry', 'verify', 'config.yml'])).stderr).to.contain('verified 3 blobs');
      const collected = await sandbox.try(['registry', 'gc', '--grace', '0s', 'config.yml']);
      expect(collected.stderr).to.contain('removed 0 blobs');
    } finally {
      await bucket.stop();
    }
  });

  it('is a cache of docker-registry, which skopeo pulls through', async function () {
    if (!isInstalled('docker-registry') || !isInstalled('skopeo')) this.skip();
    const upstream = await DockerRegistry.start(join(sandbox.folder, 'upstream'), sandbox.folder);
    try {
      const image = await pushImage(upstream.url, 'team/app', { tag: 'v1' });
      const port = await freePort();
      await sandbox.write({
        'cache.yml': [
          'version: 0.1',
          `storage: {filesystem: {rootdirectory: ${sandbox.folder}/cache}}`,
          `http: {addr: "127.0.0.1:${port}"}`,
          `proxy: {remoteurl: "${upstream.url}", ttl: 1h}`,
        ].join('\n'),
      });
      await serve(['cache.yml'], {});
      const pull = (to: string) =>
        run(
          ['skopeo', 'copy', '--src-tls-verify=false', `docker://127.0.0.1:${port}/team/app:v1`, `dir:${to}`],
          { check: true },
        );
      await pull(join(sandbox.folder, 'one'));
      await upstream.stop();
      await pull(join(sandbox.folder, 'two'));
      const layer = await readFile(join(sandbox.folder, 'two', image.layer.slice(7)), 'latin1');
      expect(layer).to.equal('layer v1');
    } finally {
      await upstream.stop();
    }
  });

  it('lets docker and skopeo in with a password of `registry htpasswd`, over TLS', async () => {
    const port = await freePort();
    const authority = makeCertificate(sandbox.folder, 'ca', { isAuthority: true });
    const server = makeCertificate(sandbox.folder, 'server', { issuer: authority });
    const set = async (...args: string[]) =>
      await sandbox.try(['registry', 'htpasswd', '--cost', '5', ...args], { input: 'secret\n' });
    expect((await set('users', 'alice')).code).to.equal(0);
    const config = [
      'version: 0.1',
      `storage: {filesystem: {rootdirectory: ${volume()}}}`,
      `http: {addr: "127.0.0.1:${port}", tls: {certificate: ${server.certificate}, key: ${server.key}}}`,
      `auth: {htpasswd: {realm: test, path: ${join(sandbox.folder, 'users')}}}`,
    ];
    await sandbox.write({ 'config.yml': config.join('\n') });
    const { said } = await serve(['config.yml']);
    const host = `localhost:${port}`;
    // Debian's docker takes loopback without a trusted authority.
    const docker = await DockerDaemon.start();
    stops.push(() => docker.stop());
    const home = join(sandbox.folder, 'docker-home');
    mkdirSync(home);
    const asUser = (...args: string[]) => run(['docker', '--config', home, ...args], { env: docker.env });
    await sandbox.write({ 'app/f': 'x', 'app/Dockerfile': 'FROM scratch\nCOPY f /f\n' });
    const image = `${host}/app:1`;
    await docker.docker('build', '-q', '-t', image, join(sandbox.folder, 'app'));
    expect((await asUser('push', image)).stderr).to.match(/no basic auth credentials|unauthorized|denied/);
    const login = (password: string) =>
      run(['docker', '--config', home, 'login', '-u', 'alice', '--password-stdin', host], {
        env: docker.env,
        input: password,
      });
    expect((await login('wrong')).code).not.to.equal(0);
    expect((await login('secret')).stderr + (await login('secret')).stdout).to.contain('Login Succeeded');
    expect((await asUser('push', image)).code).to.equal(0);
    await docker.docker('rmi', '-f', image);
    expect((await asUser('pull', '-q', image)).code).to.equal(0);
    const skopeo = ['skopeo', 'inspect', '--cert-dir', join(sandbox.folder, 'certs')];
    mkdirSync(join(sandbox.folder, 'certs'));
    await run(['cp', authority.certificate, join(sandbox.folder, 'certs/ca.crt')], { check: true });
    expect((await run([...skopeo, '--creds', 'alice:secret', `docker://${image}`])).code).to.equal(0);
    expect((await run([...skopeo, '--creds', 'alice:wrong', `docker://${image}`])).code).not.to.equal(0);
    expect(said()).not.to.contain('secret');
  });

  it('sets and removes passwords, which a registry that runs takes over', async () => {
    const port = await freePort();
    const set = (args: string[], input: string) =>
      sandbox.try(['registry', 'htpasswd', '--cost', '4', ...args], { input });
    expect((await set(['users', 'alice'], 'secret\n')).code).to.equal(0);
    const env = {
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'r',
      REGISTRY_AUTH_HTPASSWD_PATH: join(sandbox.folder, 'users'),
    };
    await serve(['--addr', `127.0.0.1:${port}`, '--root', volume()], env);
    const get = async (password: string) =>
      (await send(`http://127.0.0.1:${port}`, 'GET /v2/', { headers: basic('alice', password) })).status;
    expect(await get('secret')).to.equal(200);
    expect((await set(['users', 'alice'], 'changed')).code).to.equal(0);
    expect([await get('secret'), await get('changed')]).to.deep.equal([401, 200]);
    for (const [args, input, message] of [
      [['users', 'bob'], 'x'.repeat(73), 'more than 72 bytes'],
      [['users', 'bob'], '', 'no password on stdin'],
      [['users', 'b:b'], 'x', 'is no name for a user'],
      [['-D', 'users', 'bob'], '', 'there is no user "bob"'],
    ] as const) {
      const result = await set([...args], input);
      expect([result.code !== 0, result.stderr.includes(message)], message).to.deep.equal([true, true]);
    }
    expect((await set(['-D', 'users', 'alice'], '')).code).to.equal(0);
    expect(await get('changed')).to.equal(401);
    expect((await set(['-', 'x'], 'y')).stdout).to.match(/^x:\$2b\$04\$.{53}\n$/);
  });

  it('lists and deletes at hawser, and by digest at docker-registry', async () => {
    const port = await freePort();
    await serve(['--addr', `127.0.0.1:${port}`, '--root', volume()]);
    const theirs = await serveDebian(sandbox, join(sandbox.folder, 'their-volume'));
    stops.push(() => theirs.stop());
    for (const host of [`127.0.0.1:${port}`, theirs.host]) {
      const url = `http://${host}`;
      const image = await pushImage(url, 'team/app', { tag: 'v1' });
      await pushImage(url, 'team/app', { tag: 'v2' });
      await pushImage(url, 'other', { tag: 'v1' });
      expect(await sandbox.hawser('registry', 'ls', host)).to.equal('other\nteam/app');
      expect((await sandbox.hawser('registry', 'ls', `${host}/team/app`)).split('\n').sort()).to.deep.equal([
        'v1',
        'v2',
      ]);
      expect(await sandbox.hawser('registry', 'ls', '--format', '{{.Name}}', `${host}/other`)).to.equal('v1');
      const byDigest = `${host}/team/app@${image.manifest}`;
      expect(await sandbox.hawser('registry', 'rm', byDigest)).to.equal(byDigest);
      expect(await sandbox.hawser('registry', 'ls', `${host}/team/app`)).to.equal('v2');
      const byTag = await sandbox.try(['registry', 'rm', `${host}/team/app:v2`]);
      if (host === theirs.host)
        expect(byTag.stderr).to.contain('does not delete the tag').and.to.contain('NAME@DIGEST');
      else expect(byTag).to.include({ code: 0, stdout: `${host}/team/app:v2\n` });
      const again = await sandbox.try(['registry', 'rm', byDigest]);
      expect(again.stderr).to.contain('MANIFEST_UNKNOWN');
    }
    const missing = await sandbox.try(['registry', 'ls', `127.0.0.1:${port}/nobody/here`]);
    expect([missing.code, missing.stderr.includes('NAME_UNKNOWN')]).to.deep.equal([1, true]);
  });

  it('collects and verifies a volume, with registry:2’s command line too', async () => {
    const port = await freePort();
    await sandbox.write({
      'config.yml': `version: 0.1\nstorage: {filesystem: {rootdirectory: ${volume()}}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}"}\nhawser: {gc: {enabled: false}}`,
    });
    await serve(['config.yml']);
    const url = `http://127.0.0.1:${port}`;
    const kept = await pushImage(url, 'a', { tag: 'kept' });
    const gone = await pushImage(url, 'a', { tag: 'gone' });
    const moved = await pushImage(url, 'a', { tag: 'kept', salt: 'moved' });
    await send(url, `DELETE /v2/a/manifests/${gone.manifest}`);
    const dry = await sandbox.hawser('registry', 'gc', '--dry-run', '--grace', '0s', 'config.yml');
    expect(dry.split('\n').filter(line => line.startsWith('blob '))).to.have.length(3);
    const young = await sandbox.try(['registry', 'gc', '--grace', '1h', 'config.yml']);
    expect(young).to.include({ code: 0, stdout: '', stderr: 'removed 0 blobs, 0B\n' });
    const collected = await sandbox.hawser('registry', 'garbage-collect', 'config.yml');
    expect(collected).to.match(
      /^a\n(?:blob eligible for deletion: sha256:[0-9a-f]{64}\n){3}\n6 blobs marked, 3 blobs and 0 manifests eligible for deletion$/,
    );
    expect((await send(url, `GET /v2/a/manifests/${kept.manifest}`)).status).to.equal(200);
    const untagged = await sandbox.hawser('registry', 'garbage-collect', '-m', '-q', 'config.yml');
    expect(untagged).to.equal('');
    expect((await send(url, `GET /v2/a/manifests/${kept.manifest}`)).status).to.equal(404);
    expect((await send(url, `GET /v2/a/blobs/${moved.layer}`)).status).to.equal(200);
    expect(await sandbox.try(['registry', 'verify', 'config.yml'])).to.include({ code: 0, stdout: '' });
    const hex = moved.layer.slice('sha256:'.length);
    const data = `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
    writeFileSync(join(volume(), data), 'broken');
    const verified = await sandbox.try(['registry', 'verify', '--root', volume()]);
    expect([verified.code, verified.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && text.startsWith(`corrupt ${moved.layer}`),
    );
    const nothing = await sandbox.try(['registry', 'gc', '--root', sandbox.folder]);
    expect(nothing.stderr).to.contain('is no volume of a registry');
  });
});
