import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { sharesDomain, upstreamRegistry } from '../../src/cli/upstream-registry.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import type { RegistryOptions } from '../../src/registry-server/registry-options.ts';
import {
  codeOf,
  imageManifest,
  pushBlob,
  pushImage,
  pushManifest,
  send,
  TestRegistry,
} from './support/registry.ts';

const MiB = 1 << 20;

interface Settings extends Partial<RegistryOptions> {
  readonly remote?: string;
  readonly ttl?: number;
  readonly patience?: number;
  readonly login?: string;
}

/** A server of our own in upstream's place: counts what it is asked, and answers by `handle` where that does. */
class Between {
  readonly asked: string[] = [];
  handle: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly #server: Server;
  readonly #target: () => string;

  constructor(target: () => string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#pass(request, response));
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(`${request.method} ${request.url}`);
    if (this.handle(request, response)) return;
    const answer = await send(this.#target(), `${request.method} ${request.url}`);
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('registry-server: a cache of another registry', function () {
  this.timeout(30_000);
  let upstream: TestRegistry;
  let between: Between;
  const closers: (() => unknown)[] = [];
  before(async () => {
    upstream = await TestRegistry.start();
    between = new Between(() => upstream.url);
    await between.start();
  });
  beforeEach(() => {
    between.asked.length = 0;
    between.handle = () => false;
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  after(async () => {
    await between.stop();
    await upstream.dispose();
  });

  async function cache({
    remote,
    ttl = 0,
    patience = 1000,
    login,
    ...options
  }: Settings = {}): Promise<TestRegistry> {
    const [username = '', password = ''] = (login ?? '').split(':');
    const credentials = login === undefined ? undefined : { username, password };
    const url = new URL(remote ?? between.url);
    const connected = upstreamRegistry({ remote: url, credentials, ttl, patience });
    const registry = await TestRegistry.start({ ...options, proxy: { upstream: connected, ttl, patience } });
    closers.push(
      () => connected.close(),
      () => registry.dispose(),
    );
    return registry;
  }

  async function pushLarge(
    name: string,
    size: number,
  ): Promise<{ layer: Buffer; digest: Digest; manifest: Digest }> {
    const layer = randomBytes(size);
    const digest = digestOf(layer);
    const layers = [{ mediaType: mediaTypes.ociLayer, digest, size }];
    const { config, manifest } = imageManifest(name, { layers });
    await pushBlob(upstream.url, name, config);
    await pushBlob(upstream.url, name, layer);
    return { layer, digest, manifest: await pushManifest(upstream.url, name, { reference: 'v1', manifest }) };
  }

  it('brings what is pulled, once, and serves it without upstream then', async () => {
    const image = await pushImage(upstream.url, 'team/app', { tag: 'v1' });
    const registry = await cache();
    for (let round = 0; round < 2; round++) {
      const manifest = await registry.send('GET /v2/team/app/manifests/v1');
      expect([manifest.status, manifest.body.toString()]).to.deep.equal([200, image.bytes]);
      for (const digest of [image.config, image.layer]) {
        expect((await registry.send(`HEAD /v2/team/app/blobs/${digest}`)).status).to.equal(200);
        const blob = await registry.send(`GET /v2/team/app/blobs/${digest}`);
        expect([blob.status, digestOf(blob.body)]).to.deep.equal([200, digest]);
      }
    }
    const counts = new Map<string, number>();
    for (const line of between.asked) counts.set(line, (counts.get(line) ?? 0) + 1);
    expect(counts.get(`GET /v2/team/app/manifests/${image.manifest}`)).to.equal(1);
    for (const digest of [image.config, image.layer])
      expect(counts.get(`GET /v2/team/app/blobs/${digest}`)).to.equal(1);
    expect(counts.get('HEAD /v2/team/app/manifests/v1')).to.equal(2);
    // Upstream is away: what is here serves.
    between.handle = (_, response) => {
      response.destroy();
      return true;
    };
    expect((await registry.send('GET /v2/team/app/manifests/v1')).body.toString()).to.equal(image.bytes);
    expect((await registry.send('GET /v2/team/app/tags/list')).json).to.deep.include({ tags: ['v1'] });
    const missing = await registry.send('GET /v2/team/app/manifests/v2');
    expect([missing.status, codeOf(missing)]).to.deep.equal([503, 'UNAVAILABLE']);
  });

  it('follows tags that move and go upstream', async () => {
    const registry = await cache();
    const first = await pushImage(upstream.url, 'moving', { tag: 'v1', salt: '1' });
    expect((await registry.send('GET /v2/moving/manifests/v1')).body.toString()).to.equal(first.bytes);
    const second = await pushImage(upstream.url, 'moving', { tag: 'v1', salt: '2' });
    expect((await registry.send('GET /v2/moving/manifests/v1')).body.toString()).to.equal(second.bytes);
    await pushImage(upstream.url, 'moving', { tag: 'v2', salt: '2' });
    expect((await registry.send('GET /v2/moving/tags/list')).json).to.deep.include({ tags: ['v1', 'v2'] });
    await upstream.send('DELETE /v2/moving/manifests/v1');
    const gone = await registry.send('GET /v2/moving/manifests/v1');
    expect([gone.status, codeOf(gone)]).to.deep.equal([404, 'MANIFEST_UNKNOWN']);
    expect((await registry.send('GET /v2/nowhere/manifests/v1')).status).to.equal(404);
    expect((await registry.send(`GET /v2/moving/blobs/${digestOf('nothing')}`)).status).to.equal(404);
  });

  it('brings a blob once for all who want it at once, also in ranges, as it comes', async () => {
    const { layer, digest } = await pushLarge('large', 5 * MiB);
    const registry = await cache();
    let go = () => {};
    const gate = new Promise<void>(resolve => (go = resolve));
    between.handle = (request, response) => {
      if (request.method !== 'GET' || !request.url?.endsWith(digest)) return false;
      response.writeHead(200, { 'Content-Length': layer.length });
      response.write(layer.subarray(0, 3 * MiB));
      void gate.then(() => response.end(layer.subarray(3 * MiB)));
      return true;
    };
    const part = await registry.send(`GET /v2/large/blobs/${digest}`, {
      headers: { Range: 'bytes=1000000-1000999' },
    });
    expect([part.status, part.body.equals(layer.subarray(1_000_000, 1_001_000))]).to.deep.equal([206, true]);
    const readers = Array.from({ length: 5 }, () => registry.send(`GET /v2/large/blobs/${digest}`));
    await delay(100);
    go();
    for (const answer of await Promise.all(readers)) expect(answer.body.equals(layer)).to.equal(true);
    expect(between.asked.filter(line => line === `GET /v2/large/blobs/${digest}`)).to.have.length(1);
  });

  it('gives no client a whole blob that is wrong, and keeps none', async () => {
    const { layer, digest } = await pushLarge('wrong', MiB);
    const registry = await cache();
    between.handle = (request, response) => {
      if (request.method !== 'GET' || !request.url?.endsWith(digest)) return false;
      response.end(Buffer.alloc(layer.length));
      return true;
    };
    const outcome = await registry.send(`GET /v2/wrong/blobs/${digest}`).then(
      answer => answer.body.length,
      () => 'broken off',
    );
    expect(outcome).to.equal('broken off');
    between.handle = () => false;
    expect((await registry.send(`GET /v2/wrong/blobs/${digest}`)).body.equals(layer)).to.equal(true);
  });

  it('goes on with a blob for a while when nobody waits, and not for ever', async () => {
    const { layer, digest } = await pushLarge('left', MiB);
    const isStored = async (registry: TestRegistry) => {
      between.asked.length = 0;
      await registry.send(`HEAD /v2/left/blobs/${digest}`);
      return between.asked.length === 0;
    };
    const leave = async (registry: TestRegistry) => {
      const request = get(`${registry.url}/v2/left/blobs/${digest}`, { agent: false });
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      expect(answer.statusCode).to.equal(200);
      request.destroy();
    };
    let go = () => {};
    let cut = new AbortController();
    between.handle = (request, response) => {
      if (request.method !== 'GET' || !request.url?.endsWith(digest)) return false;
      response.writeHead(200, { 'Content-Length': layer.length });
      response.write(layer.subarray(0, 1000));
      go = () => response.end(layer.subarray(1000));
      response.once('close', () => cut.abort());
      return true;
    };
    const patient = await cache({ patience: 60_000 });
    await leave(patient);
    go();
    while (!(await isStored(patient))) await delay(20);
    cut = new AbortController();
    const hasty = await cache({ patience: 50 });
    await leave(hasty);
    if (!cut.signal.aborted) await once(cut.signal, 'abort');
  });

  it('is pushed nothing', async () => {
    const registry = await cache();
    for (const line of ['PUT /v2/a/manifests/v1', 'POST /v2/a/blobs/uploads/', 'DELETE /v2/a/manifests/v1'])
      expect((await registry.send(line)).status).to.equal(405);
  });

  it('asks again for what is older than it may be', async () => {
    const image = await pushImage(upstream.url, 'old', { tag: 'v1' });
    const registry = await cache({ ttl: 300, garbage: { delay: 20 } });
    const asked = () => between.asked.filter(line => line.startsWith('GET /v2/old/manifests/sha256')).length;
    await registry.send('GET /v2/old/manifests/v1');
    expect(asked()).to.equal(1);
    const { manifest } = image;
    const link = registry.path(`repositories/old/_manifests/revisions/sha256/${manifest.slice(7)}/link`);
    const { existsSync } = await import('node:fs');
    while (existsSync(link)) await delay(50);
    expect((await registry.send('GET /v2/old/manifests/v1')).body.toString()).to.equal(image.bytes);
    expect(asked()).to.equal(2);
  });

  it('counts for the metrics', async () => {
    await pushImage(upstream.url, 'counted', { tag: 'v1' });
    const registry = await cache({ debug: { host: '127.0.0.1', port: 0, metricsPath: '/metrics' } });
    for (let round = 0; round < 3; round++) await registry.send('GET /v2/counted/manifests/v1');
    const text = await (await fetch(`http://127.0.0.1:${registry.debugPort}/metrics`)).text();
    expect(text).to.contain('registry_proxy_requests_total{type="manifest"} 3');
    expect(text).to.contain('registry_proxy_hits_total{type="manifest"} 2');
    expect(text).to.contain('registry_proxy_misses_total{type="manifest"} 1');
  });

  /** What a token server in upstream's place is told of the credentials. */
  async function tokenServer(): Promise<{ url: string; seen: (string | undefined)[] }> {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.setHeader('Content-Type', 'application/json');
      response.end('{"token":"t"}');
    });
    server.listen(0);
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `:${(server.address() as AddressInfo).port}/token`, seen };
  }

  const hosts: readonly (readonly [host: string, isTold: boolean])[] = [
    ['http://127.0.0.1', true],
    ['http://localhost', false],
  ];
  for (const [host, isTold] of hosts) {
    it(`CVE-2026-33540: ${isTold ? 'logs in at' : 'keeps its password from'} a token server at ${host}`, async () => {
      await pushImage(upstream.url, 'private', { tag: 'v1' });
      const tokens = await tokenServer();
      between.handle = (request, response) => {
        if (request.headers.authorization !== undefined) return false;
        response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${host}${tokens.url}",service="s"` });
        response.end();
        return true;
      };
      const registry = await cache({ login: 'me:secret' });
      expect((await registry.send('GET /v2/private/manifests/v1')).status).to.equal(200);
      const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
      expect(new Set(tokens.seen)).to.deep.equal(new Set([isTold ? basic : undefined]));
    });
  }

  const domains: readonly (readonly [string, string, boolean])[] = [
    ['registry-1.docker.io', 'auth.docker.io', true],
    ['ghcr.io', 'ghcr.io', true],
    ['registry.gitlab.com', 'gitlab.com', true],
    ['registry.example.co.uk', 'auth.example.co.uk', true],
    ['registry.example.co.uk', 'evil.co.uk', false],
    ['registry.example.com', 'example.org', false],
    ['registry.example.com', 'registry.example.com.evil.org', false],
    ['127.0.0.1', '127.0.0.2', false],
    ['localhost', 'localhost.evil.org', false],
    ['intern', 'other', false],
  ];
  for (const [one, other, shared] of domains) {
    it(`${one} and ${other} ${shared ? 'are one owner’s' : 'are strangers'}`, () => {
      expect(sharesDomain(one, other)).to.equal(shared);
    });
  }

  it('is a cache of a registry that wants a password', async () => {
    const secret = await TestRegistry.start();
    closers.push(() => secret.dispose());
    const image = await pushImage(secret.url, 'a', { tag: 'v1' });
    const { writeFileSync } = await import('node:fs');
    const { hash } = await import('bcryptjs');
    writeFileSync(`${secret.folder}/users`, `me:${await hash('secret', 4)}\n`);
    await secret.restart({ auth: { kind: 'htpasswd', realm: 'r', path: `${secret.folder}/users` } });
    const registry = await cache({ remote: secret.url, login: 'me:secret' });
    expect((await registry.send('GET /v2/a/manifests/v1')).body.toString()).to.equal(image.bytes);
    const stranger = await cache({ remote: secret.url });
    expect((await stranger.send('GET /v2/a/manifests/v1')).status).to.equal(404);
  });

  it('never mixes what repositories may show', async () => {
    // Content that another repository has is shown where upstream shows it there.
    const image = await pushImage(upstream.url, 'open', {
      tag: 'v1',
      salt: createHash('md5').update('x').digest('hex'),
    });
    const registry = await cache();
    await registry.send(`GET /v2/open/blobs/${image.layer}`);
    expect((await registry.send(`GET /v2/closed/blobs/${image.layer}`)).status).to.equal(404);
    await pushBlob(upstream.url, 'other', `layer ${createHash('md5').update('x').digest('hex')}`);
    between.asked.length = 0;
    const shown = await registry.send(`GET /v2/other/blobs/${image.layer}`);
    expect(digestOf(shown.body)).to.equal(image.layer);
    expect(between.asked.filter(line => line.startsWith('GET'))).to.deep.equal([]);
    expect((await send(registry.url, `HEAD /v2/other/blobs/${image.layer}`)).status).to.equal(200);
  });
});
