import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { HawserError } from '../../src/errors/hawser-error.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { createLogger } from '../../src/registry-server/log/logger.ts';
import type { RunningRegistry } from '../../src/registry-server/start-registry.ts';
import {
  type Answer,
  codeOf,
  imageManifest,
  pushBlob,
  pushImage,
  pushManifest,
  send,
  startOn,
  TestRegistry,
} from './support/registry.ts';

async function errorOf(work: () => Promise<unknown>): Promise<HawserError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof HawserError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('registry-server: server', () => {
  let registry: TestRegistry;
  const lines: string[] = [];
  const logger = createLogger({ format: 'json', write: line => lines.push(line) });
  beforeEach(async () => {
    lines.length = 0;
    registry = await TestRegistry.start({ logger, accessLog: true });
  });
  afterEach(() => registry.dispose());

  it('answers at / and /v2/', async () => {
    const root = await registry.send('GET /');
    expect([root.status, root.headers['content-type']]).to.deep.equal([200, 'text/plain; charset=utf-8']);
    const base = await registry.send('GET /v2/');
    expect([base.status, base.body.toString()]).to.deep.equal([200, '{}']);
    expect(base.headers['docker-distribution-api-version']).to.equal('registry/2.0');
    expect((await registry.send('GET /favicon.ico')).status).to.equal(404);
  });

  it('logs a line of JSON for each request', async () => {
    await registry.send('GET /v2/a/tags/list', { headers: { 'User-Agent': 'curl/"8"' } });
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(line).to.include({
      level: 'info',
      msg: 'response completed',
      'http.request.method': 'GET',
      'http.request.uri': '/v2/a/tags/list',
      'http.request.useragent': 'curl/"8"',
      'http.request.remoteaddr': '127.0.0.1',
      'http.response.status': 404,
    });
    expect(line['http.response.written']).to.be.greaterThan(0);
  });

  it('says who has the port', async () => {
    const error = await errorOf(() => startOn(registry.root, { port: registry.port }));
    expect(error.code).to.equal('ADDRESS_IN_USE');
    expect(error.message).to.include(`127.0.0.1:${registry.port}`).and.to.include(`(pid ${process.pid})`);
    expect(error.remedy).to.include('--addr');
  });

  it('refuses an address that is not ours, and a root that is no folder', async () => {
    const root = join(registry.folder, 'file');
    writeFileSync(root, '');
    const wrongHost = () => startOn(registry.root, { host: '192.0.2.1' });
    expect((await errorOf(wrongHost)).code).to.equal('INVALID_ARGUMENT');
    expect((await errorOf(() => startOn(root))).code).to.equal('INVALID_ARGUMENT');
  });

  it('lets running requests end when it closes', async () => {
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    const content = Buffer.from('begun before, ended after');
    let closing: Promise<void> | undefined;
    async function* slow() {
      yield content.subarray(0, 5);
      await delay(50);
      closing = registry.close();
      await delay(50);
      yield content.subarray(5);
    }
    const answer = await registry.send(`PUT ${headers.location}?digest=${digestOf(content)}`, {
      body: slow(),
    });
    expect([answer.status, answer.headers.connection]).to.deep.equal([201, 'close']);
    await closing;
    const refused = await registry.send('GET /v2/').catch((error: NodeJS.ErrnoException) => error.code);
    expect(refused).to.equal('ECONNREFUSED');
  });

  it('closes when its signal fires, and cuts what does not end', async () => {
    const stop = new AbortController();
    const root = join(registry.folder, 'second');
    const second = await startOn(root, { signal: stop.signal, drainTimeout: 50 });
    const { headers } = await send(second.url, 'POST /v2/a/blobs/uploads/');
    async function* never() {
      yield Buffer.from('x');
      stop.abort();
      await delay(2000);
    }
    const cut = await send(second.url, `PATCH ${headers.location}`, { body: never() }).catch(() => 'cut');
    expect(cut).to.equal('cut');
    await second.close();
  });

  it('keeps connections alive', async () => {
    const socket = connect(registry.port, '127.0.0.1');
    const request = 'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n';
    for (let count = 0; count < 3; count++) {
      socket.write(request);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).to.match(/^HTTP\/1.1 200 OK[^]*Connection: keep-alive[^]*\{\}/);
    }
    socket.destroy();
  });

  it('ends a download whose file cannot be read to its end', async () => {
    const content = randomBytes(4_000_000);
    const digest = await registry.pushBlob('a', content);
    const socket = connect(registry.port, '127.0.0.1');
    socket.write(`GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await delay(50);
    expect((await registry.send(`GET /v2/a/blobs/${digest}`)).body.equals(content)).to.equal(true);
  });
});

describe('registry-server: full disk', () => {
  let registry: TestRegistry;
  let mounted = false;
  beforeEach(async function () {
    registry = await TestRegistry.start();
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', registry.root]).status === 0;
    if (mounted) return;
    console.log('      skipped: tmpfs cannot be mounted here');
    await registry.dispose();
    this.skip();
  });
  afterEach(async () => {
    if (!mounted) return;
    await registry.close();
    spawnSync('umount', [registry.root]);
    await registry.dispose();
  });

  const isFull = (answer: Answer) =>
    expect([answer.status, codeOf(answer)]).to.deep.equal([507, 'UNAVAILABLE']);

  it('is answered in the specification’s JSON; reads go on, and room given back is used at once', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const big = randomBytes(8 << 20);
    isFull(await registry.send(`POST /v2/a/blobs/uploads/?digest=${digestOf(big)}`, { body: big }));
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    isFull(await registry.send(`PATCH ${headers.location}`, { body: big }));
    expect((await registry.send(`GET ${headers.location}`)).headers.range).to.equal('0-0');
    expect((await registry.send('GET /v2/a/manifests/v1')).status).to.equal(200);
    expect((await registry.send(`GET /v2/a/blobs/${image.layer}`)).status).to.equal(200);

    fillUp(registry.root);
    isFull(
      await registry.send('PUT /v2/a/manifests/v2', {
        body: `{"schemaVersion":2,"manifests":[]${' '.repeat(9000)}}`,
      }),
    );
    expect((await registry.send('GET /v2/a/manifests/v2')).status).to.equal(404);
    expect(((await registry.send('GET /v2/a/tags/list')).json as { tags: string[] }).tags).to.deep.equal([
      'v1',
    ]);
    spawnSync('rm', [join(registry.root, 'filler')]);
    const small = big.subarray(0, 1 << 20);
    const after = await registry.send(`PUT ${headers.location}?digest=${digestOf(small)}`, { body: small });
    expect(after.status).to.equal(201);
    const left = readdirSync(registry.path(''), { recursive: true, encoding: 'utf8' });
    expect(left.filter(path => path.endsWith('.tmp'))).to.deep.equal([]);
  });
});

describe('registry-server: full ext4', function () {
  this.timeout(60_000);
  let folder: string;
  let registry: RunningRegistry | undefined;
  const root = () => join(folder, 'disk');
  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'hawser-disk-'));
    mkdirSync(root());
    const image = join(folder, 'image');
    const made = [
      ['truncate', '-s', '32M', image],
      ['mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', image],
      ['mount', '-o', 'loop', image, root()],
    ].every(([program = '', ...args]) => spawnSync(program, args).status === 0);
    if (made) return;
    console.log('      skipped: no disk can be made of a file here');
    this.skip();
  });
  after(async () => {
    await registry?.close();
    spawnSync('umount', [root()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes deletes, whose space comes back without a restart, and pushes then', async () => {
    registry = await startOn(root(), { garbage: { delay: 50 } });
    const { url } = registry;
    const images = [];
    for (const salt of ['1', '2', '3']) {
      const layer = randomBytes(5 << 20);
      const { config, manifest } = imageManifest(salt);
      await pushBlob(url, 'a', layer);
      await pushBlob(url, 'a', config);
      const layers = [{ mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length }];
      images.push(await pushManifest(url, 'a', { reference: salt, manifest: { ...manifest, layers } }));
    }
    fillUp(root());
    const push = () => send(url, 'PUT /v2/b/manifests/x', { body: '{"schemaVersion":2,"manifests":[]}' });
    const full = await push();
    expect([full.status, codeOf(full)]).to.deep.equal([507, 'UNAVAILABLE']);
    expect((await send(url, 'GET /v2/a/manifests/2')).status).to.equal(200);
    expect((await send(url, `DELETE /v2/a/manifests/${images[0]}`)).status).to.equal(202);
    while ((await push()).status !== 201) await delay(20);
    expect((await send(url, 'GET /v2/b/manifests/x')).status).to.equal(200);
    for (const tag of ['2', '3'])
      expect((await send(url, `GET /v2/a/manifests/${tag}`)).status).to.equal(200);
  });
});

function fillUp(root: string): void {
  mkdirSync(root, { recursive: true });
  spawnSync('dd', ['if=/dev/zero', `of=${join(root, 'filler')}`, 'bs=4096']);
}

describe('registry-server: kill -9', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const serve = async () => {
    const script = new URL('./processes/serve.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script, registry.root, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, url: line.toString().trim() };
  };

  it('in the middle of a PUT leaves nothing that can be seen, and an upload that goes on', async () => {
    const { child, url } = await serve();
    const content = randomBytes(3_000_000);
    const { headers } = await send(url, 'POST /v2/a/blobs/uploads/');
    async function* cut() {
      yield content.subarray(0, 2_500_000);
      await delay(300);
      child.kill('SIGKILL');
      await delay(200);
    }
    await send(url, `PUT ${headers.location}?digest=${digestOf(content)}`, { body: cut() }).catch(
      () => undefined,
    );
    expect((await registry.send(`HEAD /v2/a/blobs/${digestOf(content)}`)).status).to.equal(404);
    const path = new URL(headers.location ?? '').pathname;
    const size = Number((await registry.send(`GET ${path}`)).headers.range?.slice(2)) + 1;
    expect(size).to.be.greaterThan(1_000_000);
    const ended = await registry.send(`PUT ${path}?digest=${digestOf(content)}`, {
      body: content.subarray(size),
    });
    expect(ended.status).to.equal(201);
    const got = await registry.send(`GET /v2/a/blobs/${digestOf(content)}`);
    expect(got.body.equals(content)).to.equal(true);
  });

  it('under load loses nothing that was acknowledged, and leaves no empty link', async () => {
    const acknowledged: { tag: string; manifest: Digest }[] = [];
    for (let round = 0; round < 3; round++) {
      const { child, url } = await serve();
      let count = 0;
      const push = async (worker: number) => {
        for (;;) {
          const tag = `r${round}-w${worker}-${count++}`;
          const { manifest } = await pushImage(url, 'a', { tag });
          acknowledged.push({ tag, manifest });
        }
      };
      const workers = [0, 1, 2, 3].map(worker => push(worker).catch(() => undefined));
      const target = acknowledged.length + 20;
      while (acknowledged.length < target) await delay(5);
      child.kill('SIGKILL');
      await Promise.all(workers);
    }
    for (const { tag, manifest } of acknowledged) {
      const got = await registry.send(`GET /v2/a/manifests/${tag}`);
      expect([got.status, got.headers['docker-content-digest']], tag).to.deep.equal([200, manifest]);
      const { layers } = got.json as { layers: { digest: string }[] };
      expect((await registry.send(`GET /v2/a/blobs/${layers[0]?.digest}`)).body.toString()).to.equal(
        `layer ${tag}`,
      );
    }
    const empty = spawnSync('find', [registry.root, '-name', 'link', '-size', '0'], { encoding: 'utf8' });
    expect(empty.stdout).to.equal('');
  });
});
