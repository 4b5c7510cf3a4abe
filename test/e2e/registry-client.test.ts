import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { makeCertificate } from '../registry-server/support/certificates.ts';
import { freePort } from './support/ports.ts';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

/** Debian's docker-registry with a password file and TLS: alice, secret. */
class GuardedRegistry {
  readonly host: string;
  readonly certificate: string;
  readonly #child: ChildProcess;

  private constructor(host: string, certificate: string, child: ChildProcess) {
    this.host = host;
    this.certificate = certificate;
    this.#child = child;
  }

  static async start(sandbox: Sandbox): Promise<GuardedRegistry> {
    const folder = join(sandbox.folder, 'guarded');
    await mkdir(folder);
    const made = makeCertificate(folder, 'server');
    const users = await sandbox.try(['registry', 'htpasswd', '--cost', '4', '-', 'alice'], {
      input: 'secret',
    });
    await writeFile(join(folder, 'htpasswd'), users.stdout);
    const host = `127.0.0.1:${await freePort()}`;
    const config = [
      'version: 0.1',
      'log: {level: error, accesslog: {disabled: true}}',
      `storage: {filesystem: {rootdirectory: ${folder}/volume}, delete: {enabled: true}}`,
      `http: {addr: "${host}", secret: x, tls: {certificate: ${made.certificate}, key: ${made.key}}}`,
      `auth: {htpasswd: {realm: r, path: ${folder}/htpasswd}}`,
    ];
    await writeFile(join(folder, 'config.yml'), config.join('\n'));
    const child = spawn('/usr/bin/docker-registry', ['serve', join(folder, 'config.yml')], {
      stdio: 'ignore',
    });
    const registry = new GuardedRegistry(host, made.certificate, child);
    for (let tries = 0; (await registry.curl('/v2/')) !== '401'; tries++) {
      if (tries === 200 || child.exitCode !== null) throw new Error('docker-registry does not answer');
      await delay(50);
    }
    return registry;
  }

  /** The status of a path. */
  async curl(path: string): Promise<string> {
    const words = ['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', `https://${this.host}${path}`];
    return (await run(words)).stdout;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

describe('registry client', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let guarded: GuardedRegistry;
  let own: ServedRegistry;
  let authfile: string;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    delete sandbox.env.REGISTRY_AUTH_FILE;
    sandbox.env.DOCKER_CONFIG = join(sandbox.folder, 'docker');
    authfile = join(sandbox.folder, 'docker/config.json');
    await sandbox.importBusybox();
    guarded = await GuardedRegistry.start(sandbox);
    own = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
  });
  afterEach(async () => {
    await guarded?.stop();
    await own?.stop();
    await sandbox.dispose();
  });

  const login = (password: string, ...more: string[]) =>
    sandbox.try(['login', '-u', 'alice', '--password-stdin', ...more, guarded.host], {
      input: `${password}\n`,
    });
  const skopeoDigest = async (name: string) => {
    const words = ['skopeo', 'inspect', '--tls-verify=false', '--authfile', authfile];
    return (
      await run([...words, '--format', '{{.Digest}}', `docker://${name}`], { check: true })
    ).stdout.trim();
  };

  it("logs in at Debian's docker-registry by TLS, pushes all tags, mounts, pulls and logs out", async () => {
    const names = ['a/b:1', 'a/b:2', 'c/d:1'].map(name => `${guarded.host}/${name}`);
    for (const name of names) await sandbox.hawser('tag', 'busybox', name);
    expect((await sandbox.try(['push', '-q', names[0] ?? ''])).stderr).to.contain(
      `Run hawser login ${guarded.host}.`,
    );

    const wrong = await login('wrong');
    expect([wrong.code, /UNAUTHORIZED/.test(wrong.stderr)]).to.deep.equal([1, true]);
    expect((await login('secret')).stdout).to.equal('Login Succeeded\n');
    expect(await sandbox.hawser('push', '-q', '--all-tags', `${guarded.host}/a/b`)).to.equal(
      names.slice(0, 2).join('\n'),
    );
    const digest = await skopeoDigest(names[1] ?? '');

    // a layer that is stored as it was pushed can be mounted
    await sandbox.hawser('rmi', '-f', ...names, 'busybox');
    await sandbox.hawser('pull', '-q', names[0] ?? '');
    await sandbox.hawser('tag', names[0] ?? '', names[2] ?? '');
    const pushed = await sandbox.try(['push', names[2] ?? '']);
    expect(pushed.stderr.match(/: (?:Mounted|Pushed|Layer .*)\n/g)).to.deep.equal([
      ': Mounted\n',
      ': Mounted\n',
    ]);
    expect(await skopeoDigest(names[2] ?? '')).to.equal(digest);

    expect(await sandbox.hawser('logout', guarded.host)).to.equal(
      `Removed login credentials for ${guarded.host}`,
    );
    expect(JSON.parse(await readFile(authfile, 'utf8'))).to.deep.equal({ auths: {} });
    expect((await sandbox.try(['pull', '-q', names[0] ?? ''])).code).to.equal(1);
  });

  it('copies between registries without a store, and reads what podman login left', async () => {
    authfile = join(sandbox.folder, 'auth.json');
    const podman = ['podman', 'login', '--authfile', authfile, '--tls-verify=false', '-u', 'alice'];
    await run([...podman, '--password-stdin', guarded.host], { input: 'secret', check: true });
    sandbox.env.REGISTRY_AUTH_FILE = authfile;
    const source = `${own.host}/team/app:1`;
    await sandbox.hawser('tag', 'busybox', source);
    await sandbox.hawser('push', '-q', source);
    await sandbox.hawser('rmi', '-f', source, 'busybox');
    const copied = await sandbox.hawser('image', 'copy', '-q', source, `${guarded.host}/copied/app`);
    expect(copied).to.equal(`${guarded.host}/copied/app:1`);
    expect(await skopeoDigest(copied)).to.equal(await skopeoDigest(source));
    expect(await sandbox.hawser('image', 'ls', '-q')).to.equal('');
    const back = `${own.host}/back/app:2`;
    expect(await sandbox.hawser('image', 'copy', '-q', copied, back)).to.equal(back);
    expect(await skopeoDigest(back)).to.equal(await skopeoDigest(source));
  });

  it('names the near image that is here, where a registry has none', async () => {
    await sandbox.hawser('tag', 'busybox', `${own.host}/team/nginx:1.22`);
    for (const words of [
      ['run', '--rm'],
      ['pull', '-q'],
    ]) {
      const { code, stderr } = await sandbox.try([...words, `${own.host}/team/ngnix:1.22`]);
      expect(code).to.not.equal(0);
      expect(stderr).to.contain(`Did you mean ${own.host}/team/nginx:1.22?`);
    }
    await sandbox.hawser('tag', 'busybox', '127.0.0.1:1/nginx:1.22');
    const { stderr } = await sandbox.try(['pull', '-q', '127.0.0.1:1/ngnix:1.22']);
    expect(stderr).to.contain('REGISTRY_UNREACHABLE').and.contain('Did you mean 127.0.0.1:1/nginx:1.22?');
  });

  it('takes mirrors and blocked registries from registries.conf', async () => {
    const name = `${own.host}/copies/app:1`;
    await sandbox.hawser('tag', 'busybox', name);
    await sandbox.hawser('push', '-q', name);
    await sandbox.write({
      'registries.conf': [
        '[[registry]]\nlocation = "r.invalid"',
        `[[registry.mirror]]\nlocation = "${own.host}/copies"`,
        '[[registry]]\nlocation = "bad.invalid"\nblocked = true',
      ].join('\n'),
    });
    sandbox.env.CONTAINERS_REGISTRIES_CONF = join(sandbox.folder, 'registries.conf');
    expect(await sandbox.hawser('pull', '-q', 'r.invalid/app:1')).to.equal('r.invalid/app:1');
    const { stderr } = await sandbox.try(['pull', '-q', 'bad.invalid/app:1']);
    expect(stderr).to.contain('[DENIED]').and.contain('prefix = "bad.invalid"');
  });
});
