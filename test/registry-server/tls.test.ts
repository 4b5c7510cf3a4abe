import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectH2, type IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { run } from '../e2e/support/run.ts';
import { makeCertificate, type TestCertificate } from './support/certificates.ts';
import { imageManifest, TestRegistry } from './support/registry.ts';

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe('registry-server: TLS', () => {
  let folder: string;
  let authority: TestCertificate;
  let server: TestCertificate;
  let registry: TestRegistry | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-tls-'));
    authority = makeCertificate(folder, 'ca', { isAuthority: true });
    server = makeCertificate(folder, 'server', { issuer: authority });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    await registry?.dispose();
    registry = undefined;
  });

  type Settings = Parameters<typeof TestRegistry.start>[0];
  const start = async (tls: object = {}, more: Settings = {}) => {
    const { certificate, key } = server;
    registry = await TestRegistry.start({ tls: { certificate, key, ...tls }, ...more });
    return registry;
  };
  const trusted = (options: ConnectionOptions = {}): ConnectionOptions => ({
    ca: readFileSync(authority.certificate),
    ...options,
  });

  async function send1(line: string, options: ConnectionOptions = trusted(), body?: Buffer): Promise<Got> {
    const [method = '', path = ''] = line.split(' ');
    return await new Promise((resolve, reject) => {
      const { port } = registry ?? { port: 0 };
      const outgoing = request(
        { host: '127.0.0.1', port, method, path, agent: false, ...options },
        incoming => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: Buffer.concat(chunks),
            }),
          );
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  async function withSession<Result>(
    work: (send: (line: string, body?: Buffer) => Promise<Got>) => Promise<Result>,
  ) {
    const session = connectH2(registry?.url ?? '', trusted());
    const send = async (line: string, body?: Buffer): Promise<Got> => {
      const [method = '', path = ''] = line.split(' ');
      const stream = session.request({ ':method': method, ':path': path });
      stream.end(body);
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return { status: headers[':status'], headers, body: Buffer.concat(chunks) };
    };
    try {
      return await work(send);
    } finally {
      session.close();
    }
  }

  const pathOf = (location: string | undefined) => new URL(location ?? '').pathname;

  it('speaks HTTP/1.1 and HTTP/2 on one port', async () => {
    await start();
    expect((await send1('GET /v2/')).status).to.equal(200);
    const large = Buffer.alloc(5_000_000, 'large ');
    const digest = digestOf(large);
    await withSession(async send => {
      const ping = await send('GET /v2/');
      expect([ping.status, ping.body.toString()]).to.deep.equal([200, '{}']);
      expect(ping.headers).not.to.have.property('connection');
      const started = await send('POST /v2/a/blobs/uploads/');
      expect(started.headers.location).to.match(/^https:\/\/127\.0\.0\.1:\d+\/v2\/a\/blobs\/uploads\//);
      const patched = await send(`PATCH ${pathOf(started.headers.location)}`, large);
      expect([patched.status, patched.headers.range]).to.deep.equal([202, `0-${large.length - 1}`]);
      const put = await send(`PUT ${pathOf(patched.headers.location)}?digest=${digest}`);
      expect([put.status, put.headers['docker-content-digest']]).to.deep.equal([201, digest]);
      const gets = Array.from({ length: 8 }, () => send(`GET /v2/a/blobs/${digest}`));
      for (const got of await Promise.all(gets)) expect(got.body.equals(large)).to.equal(true);
      const refused = await send('PUT /v2/a/manifests/x', Buffer.alloc((4 << 20) + 1, ' '));
      expect(refused.status).to.equal(413);
      expect((await send('HEAD /v2/a/manifests/none')).status).to.equal(404);
    });
    expect((await send1(`GET /v2/a/blobs/${digest}`)).body.equals(large)).to.equal(true);
  });

  it('speaks HTTP/1.1 alone with http2.disabled', async () => {
    await start({}, { http2: false });
    expect((await send1('GET /v2/')).status).to.equal(200);
    const session = connectH2(registry?.url ?? '', trusted());
    const [error] = (await once(session, 'error')) as [Error];
    expect(error.message).to.match(/h2|ALPN|protocol/i);
    session.destroy();
  });

  it('ends its HTTP/2 sessions when it closes, after what runs', async () => {
    const started = await start();
    await withSession(async send => {
      expect((await send('GET /v2/')).status).to.equal(200);
      await started.close();
    });
  });

  it('asks clients for certificates, as clientauth says', async () => {
    const client = makeCertificate(folder, 'client', { issuer: authority });
    const stranger = makeCertificate(folder, 'stranger');
    const options = ({ certificate, key }: TestCertificate) =>
      trusted({ cert: readFileSync(certificate), key: readFileSync(key) });
    const outcome = async (given: ConnectionOptions) => {
      try {
        return (await send1('GET /v2/', given)).status;
      } catch {
        return 'cut';
      }
    };
    const clientAuthorities = [authority.certificate];
    for (const [clients, withNone, withBad] of [
      ['required', 'cut', 'cut'],
      ['given', 200, 'cut'],
      ['requested', 200, 200],
      ['none', 200, 200],
    ] as const) {
      await start({ clients, clientAuthorities });
      expect(await outcome(trusted()), clients).to.equal(withNone);
      expect(await outcome(options(client)), clients).to.equal(200);
      expect(await outcome(options(stranger)), clients).to.equal(withBad);
      await registry?.dispose();
    }
    registry = undefined;
  });

  it('keeps to the versions and ciphers that it is told', async () => {
    await start({ minVersion: 'TLSv1.3' });
    const old = await send1('GET /v2/', trusted({ maxVersion: 'TLSv1.2' })).catch((error: Error) => error);
    expect(old).to.be.instanceOf(Error);
    await registry?.dispose();
    await start({ ciphers: ['ECDHE-RSA-AES256-GCM-SHA384'] });
    const other = trusted({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' });
    expect(await send1('GET /v2/', other).catch((error: Error) => error)).to.be.instanceOf(Error);
    const same = trusted({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' });
    expect((await send1('GET /v2/', same)).status).to.equal(200);
  });

  it('refuses files that do not fit, or are not there', async () => {
    const other = makeCertificate(folder, 'misfit');
    for (const tls of [{ key: other.key }, { key: join(folder, 'none') }, { certificate: server.key }]) {
      const error = await start(tls).catch((caught: Error) => caught);
      expect(error).to.include({ code: 'REGISTRY_CONFIG_INVALID' });
    }
  });

  it('is pushed to and pulled from by skopeo', async () => {
    await start();
    const certificates = join(folder, 'certs');
    mkdirSync(certificates);
    copyFileSync(authority.certificate, join(certificates, 'ca.crt'));
    const image = imageManifest('x');
    const layout = join(folder, 'dir');
    mkdirSync(layout);
    const hex = (text: string) => digestOf(text).slice('sha256:'.length);
    writeFileSync(join(layout, 'version'), 'Directory Transport Version: 1.1\n');
    writeFileSync(join(layout, 'manifest.json'), JSON.stringify(image.manifest));
    writeFileSync(join(layout, hex(image.config)), image.config);
    writeFileSync(join(layout, hex(image.layer)), image.layer);
    const name = `docker://localhost:${registry?.port}/tls:1`;
    await run(['skopeo', 'copy', '--dest-cert-dir', certificates, `dir:${layout}`, name], { check: true });
    const { stdout } = await run(['skopeo', 'inspect', '--cert-dir', certificates, '--raw', name], {
      check: true,
    });
    expect((JSON.parse(stdout) as { config: object }).config).to.deep.equal(image.manifest.config);
  });
});
