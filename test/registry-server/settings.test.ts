import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createTCPServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { configOfEnvironment } from '../../src/registry-server/config/load-config.ts';
import { optionsOfConfig } from '../../src/registry-server/config/options-of-config.ts';
import { parseForwarded } from '../../src/registry-server/http/forwarded.ts';
import { purgeUploads } from '../../src/registry-server/maintenance/purge-uploads.ts';
import type { RegistryOptions } from '../../src/registry-server/registry-options.ts';
import { FilesystemDriver } from '../../src/registry-server/storage/filesystem-driver.ts';
import { codeOf, pushImage, send, TestRegistry } from './support/registry.ts';

/** The options of a piece of configuration, but for where it stores and listens. */
function configured(text: string): Partial<RegistryOptions> {
  const {
    storage: _storage,
    host: _host,
    port: _port,
    ...rest
  } = optionsOfConfig(
    configOfEnvironment(`version: 0.1\nstorage: inmemory\nhttp: {addr: ":1"}\n${text}`, {}).config,
  );
  return rest;
}

async function until(probe: () => Promise<boolean>): Promise<void> {
  while (!(await probe())) await delay(5);
}

describe('registry-server: settings', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const location = async (headers: Record<string, string> = {}, path = '/v2/a/blobs/uploads/') =>
    (await registry.send(`POST ${path}`, { headers })).headers.location?.replace(/[^/]*$/, '');

  it('serves below a prefix, and nothing beside it', async () => {
    await registry.restart({ prefix: '/x/y' });
    expect((await registry.send('GET /x/y/v2/')).status).to.equal(200);
    expect((await registry.send('GET /x/y/')).status).to.equal(200);
    for (const path of ['/v2/', '/x/yz/v2/', '/x/v2/', '/']) {
      expect((await registry.send(`GET ${path}`)).status, path).to.equal(404);
    }
    expect(await location({}, '/x/y/v2/a/blobs/uploads/')).to.equal(
      `${registry.url}/x/y/v2/a/blobs/uploads/`,
    );
    const body = '{"schemaVersion":2,"manifests":[]}';
    for (const tag of ['1', '2']) {
      const put = await registry.send(`PUT /x/y/v2/a/manifests/${tag}`, { body });
      expect((await registry.send(`GET ${put.headers.location}`)).status).to.equal(200);
    }
    const page = await registry.send('GET /x/y/v2/a/tags/list?n=1');
    expect(page.headers.link).to.equal('</x/y/v2/a/tags/list?last=1&n=1>; rel="next"');
  });

  const origins: readonly (readonly [Partial<RegistryOptions>, Record<string, string>, string])[] = [
    [{ externalURL: 'https://r.example/base' }, {}, 'https://r.example/base'],
    [{ externalURL: 'https://r.example' }, { 'X-Forwarded-Host': 'other' }, 'https://r.example'],
    [{ relativeURLs: true, externalURL: 'https://r.example' }, {}, ''],
    [{}, { Forwarded: 'for=1.2.3.4;proto=https;host="r.example:8443"' }, 'https://r.example:8443'],
    [{}, { Forwarded: 'proto=https;host=a, proto=http;host=b' }, 'https://a'],
    [
      {},
      { Forwarded: 'proto=https;host=a', 'X-Forwarded-Host': 'b', 'X-Forwarded-Proto': 'http' },
      'http://b',
    ],
    [{}, { 'X-Forwarded-Host': 'r.example', 'X-Forwarded-Proto': 'HTTPS' }, 'https://r.example'],
    [{}, { 'X-Forwarded-Host': 'evil/../x', Host: 'r.example' }, ''],
    [{}, { Host: 'r.example' }, 'http://r.example'],
  ];
  for (const [options, headers, origin] of origins) {
    it(`puts ${origin || 'a path'} into Location for ${JSON.stringify({ ...options, ...headers })}`, async () => {
      await registry.restart(options);
      expect(await location(headers)).to.equal(`${origin}/v2/a/blobs/uploads/`);
    });
  }

  it('reads Forwarded as RFC 7239 has it, and anything else as nothing', () => {
    const examples: readonly (readonly [string, object])[] = [
      ['for="_gazonk"', { for: '_gazonk' }],
      ['For="[2001:db8:cafe::17]:4711"', { for: '[2001:db8:cafe::17]:4711' }],
      ['for=192.0.2.60;proto=http;by=203.0.113.43', { for: '192.0.2.60', proto: 'http' }],
      ['for=192.0.2.43, for=198.51.100.17', { for: '192.0.2.43' }],
      ['host="a\\"b"', { host: 'a"b' }],
      ['', {}],
      ['for', {}],
      ['for=a;for=b', {}],
      ['for="open', {}],
    ];
    for (const [text, expected] of examples) expect(parseForwarded(text), text).to.deep.equal(expected);
    fc.assert(fc.property(fc.string(), text => typeof parseForwarded(text) === 'object'));
  });

  it('gives every answer the headers that it is told', async () => {
    await registry.restart({ headers: { 'X-A': ['1', '2'], 'X-Content-Type-Options': ['other'] } });
    for (const line of ['GET /v2/', 'GET /v2/none/tags/list', 'GET /x', 'PUT /v2/a/manifests/v1']) {
      const { headers } = await registry.send(line);
      expect(headers, line).to.include({ 'x-a': '1, 2', 'x-content-type-options': 'other' });
    }
  });

  it('changes nothing when it is read-only', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    await registry.restart({ readOnly: true });
    const path = new URL(headers.location ?? '').pathname;
    const changes = [
      'POST /v2/a/blobs/uploads/',
      `POST /v2/a/blobs/uploads/?mount=${image.layer}&from=a`,
      `PATCH ${path}`,
      `PUT ${path}?digest=${image.layer}`,
      `DELETE ${path}`,
      'PUT /v2/a/manifests/v2',
      'DELETE /v2/a/manifests/v1',
      `DELETE /v2/a/manifests/${image.manifest}`,
      `DELETE /v2/a/blobs/${image.layer}`,
    ];
    for (const line of changes) {
      const got = await registry.send(line, { body: line.startsWith('P') ? '{}' : undefined });
      expect([got.status, codeOf(got)], line).to.deep.equal([405, 'UNSUPPORTED']);
    }
    expect((await registry.send('GET /v2/a/manifests/v1')).body.toString()).to.equal(image.bytes);
    expect((await registry.send('GET /v2/_catalog')).json).to.deep.equal({ repositories: ['a'] });
  });

  it('listens on a Unix socket', async () => {
    const socketPath = join(registry.folder, 'registry.sock');
    await registry.restart({ socket: socketPath });
    const status = await new Promise(resolve => {
      request({ socketPath, path: '/v2/', agent: false }, incoming => {
        incoming.resume();
        resolve(incoming.statusCode);
      }).end();
    });
    expect(status).to.equal(200);
    // A socket that a crash left is replaced.
    rmSync(socketPath);
    writeFileSync(socketPath, '');
    await registry.restart({ socket: socketPath });
    await registry.restart();
  });

  it('clamps pages of tags and of the catalog', async () => {
    const body = '{"schemaVersion":2,"manifests":[]}';
    for (const name of ['a', 'b', 'c']) {
      const query = ['1', '2', '3'].map(tag => `tag=${tag}`).join('&');
      await registry.send(`PUT /v2/${name}/manifests/${digestOf(body)}?${query}`, { body });
    }
    await registry.restart({ tagLimit: 2, catalogLimit: 2 });
    for (const query of ['', '?n=3', '?n=99999']) {
      const tags = await registry.send(`GET /v2/a/tags/list${query}`);
      expect(tags.json).to.deep.equal({ name: 'a', tags: ['1', '2'] });
      expect(tags.headers.link).to.equal('</v2/a/tags/list?last=2&n=2>; rel="next"');
      const catalog = await registry.send(`GET /v2/_catalog${query}`);
      expect(catalog.json).to.deep.equal({ repositories: ['a', 'b'] });
    }
  });

  it('holds indexes and URLs to the rules of `validation`', async () => {
    const { manifest, bytes } = await pushImage(registry.url, 'a', { tag: 'v1' });
    const child = (digest: string, architecture: string) => ({
      mediaType: mediaTypes.ociManifest,
      digest,
      size: bytes.length,
      platform: { os: 'linux', architecture },
    });
    const put = async (document: object) =>
      (
        await registry.send('PUT /v2/a/manifests/x', {
          body: JSON.stringify({ schemaVersion: 2, ...document }),
        })
      ).status;
    const sparse = { manifests: [child(manifest, 'amd64'), child(digestOf('none'), 'arm64')] };
    const rules = (text: string) => registry.restart(configured(`validation: {manifests: ${text}}`));
    for (const [platforms, expected] of [
      ['none', 201],
      ['all', 404],
      ['list, platformlist: [{os: linux, architecture: amd64}]', 201],
      ['list, platformlist: [{os: linux, architecture: arm64}]', 404],
    ] as const) {
      await rules(`{indexes: {platforms: ${platforms}}}`);
      expect(await put(sparse), platforms).to.equal(expected);
      expect(await put({ manifests: [child(manifest, 'arm64')] }), platforms).to.equal(201);
    }
    const layer = (url: string) => ({
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf('none'), size: 4 },
      layers: [{ mediaType: mediaTypes.ociLayer, digest: digestOf('none'), size: 4, urls: [url] }],
    });
    for (const [text, url, expected] of [
      ['{urls: {allow: ["^https://good/"]}}', 'https://good/x', 201],
      ['{urls: {allow: ["^https://good/"]}}', 'https://bad/x', 400],
      ['{urls: {allow: ["^https://good/"], deny: ["secret"]}}', 'https://good/secret', 400],
      ['{urls: {deny: ["secret"]}}', 'https://any/x', 201],
      ['{urls: {deny: ["secret"]}}', 'https://any/secret', 400],
    ] as const) {
      await rules(text);
      expect(await put(layer(url)), `${text} ${url}`).to.equal(expected);
    }
    await registry.restart(configured('validation: {enabled: true}'));
    expect(await put(layer('https://any/x'))).to.equal(400);
    await registry.restart(configured('validation: {disabled: true}'));
    expect(await put(layer('https://any/x'))).to.equal(201);
  });

  it('keeps a volume in memory', async () => {
    await registry.restart({ storage: { kind: 'inmemory' } });
    const image = await pushImage(registry.url, 'a/b', { tag: 'v1' });
    expect((await registry.send('GET /v2/a/b/manifests/v1')).body.toString()).to.equal(image.bytes);
    expect((await registry.send('GET /v2/_catalog')).json).to.deep.equal({ repositories: ['a/b'] });
    await registry.restart({ storage: { kind: 'inmemory' } });
    expect((await registry.send('GET /v2/_catalog')).json).to.deep.equal({ repositories: [] });
  });
});

describe('registry-server: health and metrics', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const debug = { host: '127.0.0.1', port: 0, metricsPath: '/metrics' };
  const debugGet = (path: string) => send(`http://127.0.0.1:${registry.debugPort}`, `GET ${path}`);
  const status = async () => (await registry.send('GET /v2/')).status;

  it('tells of requests, storage and memory in the form of Prometheus', async () => {
    await registry.restart({ debug, prefix: '/p' });
    const body = '{"schemaVersion":2,"manifests":[]}';
    await registry.send('PUT /p/v2/a/manifests/v1', { body });
    await registry.send('GET /p/v2/a/manifests/v1');
    await registry.send('GET /p/v2/a/manifests/none');
    await registry.send('BREW /p/v2/').catch(() => undefined);
    await registry.send('GET /nowhere');
    const { headers, body: text } = await debugGet('/metrics');
    expect(headers['content-type']).to.contain('text/plain; version=0.0.4');
    const lines = text.toString().split('\n');
    for (const line of [
      'registry_http_requests_total{code="201",handler="manifest",method="put"} 1',
      'registry_http_requests_total{code="404",handler="manifest",method="get"} 1',
      'registry_http_requests_total{code="404",handler="none",method="get"} 1',
      'registry_http_in_flight_requests 0',
      'registry_http_request_duration_seconds_count{handler="manifest",method="get"} 2',
      'registry_http_request_duration_seconds_bucket{handler="manifest",method="get",le="+Inf"} 2',
      '# TYPE registry_storage_action_seconds histogram',
    ]) {
      expect(lines).to.include(line);
    }
    expect(text.toString()).to.match(
      /^registry_storage_action_seconds_count\{driver="filesystem",action="PutContent"\} [1-9]/m,
    );
    for (const line of lines)
      expect(line).to.match(
        /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? [\d.e+-]+)?$/,
      );
  });

  it('has health, variables, and no metrics that nobody asked for, at the debug address', async () => {
    await registry.restart({ debug: { ...debug, metricsPath: undefined } });
    expect((await debugGet('/debug/health')).body.toString()).to.equal('{}');
    expect((await debugGet('/debug/vars')).json).to.have.property('memory');
    expect((await debugGet('/metrics')).status).to.equal(404);
    expect((await registry.send('GET /debug/health')).status).to.equal(404);
  });

  const check = 'interval: 10ms, threshold: 2';
  it('answers 503 while its volume cannot be reached', async () => {
    await registry.restart({ ...configured(`health: {storagedriver: {enabled: true, ${check}}}`), debug });
    expect(await status()).to.equal(200);
    renameSync(registry.root, `${registry.root}-away`);
    await until(async () => (await status()) === 503);
    expect((await debugGet('/debug/health')).json).to.deep.equal({
      storagedriver: 'the volume is not there',
    });
    renameSync(`${registry.root}-away`, registry.root);
    await until(async () => (await status()) === 200);
  });

  it('answers 503 while a file says so', async () => {
    const file = join(registry.folder, 'down');
    await registry.restart({ ...configured(`health: {file: [{file: ${file}, interval: 10ms}]}`), debug });
    expect(await status()).to.equal(200);
    writeFileSync(file, '');
    await until(async () => (await status()) === 503);
    const got = await registry.send('GET /v2/a/tags/list');
    expect([got.status, codeOf(got)]).to.deep.equal([503, 'UNAVAILABLE']);
    const health = await debugGet('/debug/health');
    expect([health.status, health.json]).to.deep.equal([503, { [file]: 'file exists' }]);
    rmSync(file);
    await until(async () => (await status()) === 200);
  });

  it('answers 503 while another server does not answer as it must', async () => {
    let code = 200;
    const http = createServer((_, response) => response.writeHead(code).end());
    const tcp = createTCPServer(socket => socket.destroy());
    const portOf = async (server: typeof tcp | typeof http) => {
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as { port: number }).port;
    };
    const ports = [await portOf(http), await portOf(tcp)];
    try {
      const checks = `http: [{uri: "http://127.0.0.1:${ports[0]}/x", ${check}}], tcp: [{addr: "127.0.0.1:${ports[1]}", ${check}}]`;
      await registry.restart({ ...configured(`health: {${checks}}`) });
      expect(await status()).to.equal(200);
      code = 500;
      await until(async () => (await status()) === 503);
      code = 200;
      await until(async () => (await status()) === 200);
      tcp.close();
      await until(async () => (await status()) === 503);
    } finally {
      http.close();
      http.closeAllConnections();
    }
  });
});

describe('registry-server: upload purging', () => {
  it('removes uploads that nobody went on with, in every repository, and no other', async () => {
    const registry = await TestRegistry.start();
    try {
      const begin = async (name: string) => {
        const { headers } = await registry.send(`POST /v2/${name}/blobs/uploads/`);
        await registry.send(`PATCH ${headers.location}`, { body: 'x' });
        return new URL(headers.location ?? '').pathname;
      };
      const paths = [await begin('a'), await begin('a/b'), await begin('z')];
      mkdirSync(registry.path('repositories/a/_uploads/not-an-upload'));
      const driver = new FilesystemDriver(registry.root);
      const purged = async (before: number, dryRun = false) => {
        const names: string[] = [];
        for await (const { name } of purgeUploads(driver, { before, dryRun })) names.push(name);
        return names;
      };
      const look = (path: string | undefined) => registry.send(`GET ${path}`).then(({ status }) => status);
      expect(await purged(Date.now() - 60_000)).to.deep.equal([]);
      expect(await purged(Date.now() + 1000, true)).to.deep.equal(['a', 'a/b', 'z']);
      expect(await look(paths[1])).to.equal(204);
      expect(await purged(Date.now() + 1000)).to.deep.equal(['a', 'a/b', 'z']);
      for (const path of paths) expect(await look(path)).to.equal(404);
    } finally {
      await registry.dispose();
    }
  });

  it('leaves an upload alone that a request holds, and takes it afterwards', async () => {
    const registry = await TestRegistry.start();
    try {
      const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
      const driver = new FilesystemDriver(registry.root);
      const held = await driver.tryLock(
        `docker/registry/v2/repositories/a/_uploads/${headers['docker-upload-uuid']}/startedat`,
      );
      const purged = async () => {
        let count = 0;
        for await (const _ of purgeUploads(driver, { before: Date.now() + 1000 })) count++;
        return count;
      };
      expect(await purged()).to.equal(0);
      await held?.release();
      expect(await purged()).to.equal(1);
    } finally {
      await registry.dispose();
    }
  });

  it('leaves an upload that another process writes to, where there are too many', async () => {
    const registry = await TestRegistry.start({ uploads: { maxOpen: 1, idleTime: -1 } });
    try {
      const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
      const driver = new FilesystemDriver(registry.root);
      const held = await driver.tryLock(
        `docker/registry/v2/repositories/a/_uploads/${headers['docker-upload-uuid']}/startedat`,
      );
      expect((await registry.send('POST /v2/a/blobs/uploads/')).status).to.equal(202);
      await held?.release();
      expect((await registry.send(`GET ${headers.location}`)).status).to.equal(204);
    } finally {
      await registry.dispose();
    }
  });
});
