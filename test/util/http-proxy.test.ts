import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { createServer as createTLSServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { proxyFor, requestByProxy, TunnelAgent } from '../../src/util/http-proxy.ts';
import { makeCertificate } from '../registry-server/support/certificates.ts';

const proxies = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://secure:2' };

/** [URL, environment, the proxy] */
const cases: readonly [string, Record<string, string>, string | undefined][] = [
  ['http://a.example/', proxies, 'http://plain:1/'],
  ['https://a.example/', proxies, 'http://secure:2/'],
  ['https://a.example/', { HTTP_PROXY: 'http://plain:1' }, undefined],
  ['http://a.example/', { http_proxy: 'lower:1', HTTP_PROXY: 'http://upper:1' }, 'http://lower:1/'],
  ['http://a.example/', { HTTP_PROXY: 'socks5://a:1' }, undefined],
  ['http://a.example/', { HTTP_PROXY: 'http://' }, undefined],
  ['http://localhost:5000/', proxies, undefined],
  ['http://127.0.0.1:5000/', proxies, undefined],
  ['http://[::1]:5000/', proxies, undefined],
  ['http://a.example/', { ...proxies, NO_PROXY: '*' }, undefined],
  ['http://a.example/', { ...proxies, NO_PROXY: 'b.example, a.example' }, undefined],
  ['http://x.a.example/', { ...proxies, NO_PROXY: 'a.example' }, undefined],
  ['http://xa.example/', { ...proxies, NO_PROXY: 'a.example' }, 'http://plain:1/'],
  ['http://a.example/', { ...proxies, NO_PROXY: '.a.example' }, 'http://plain:1/'],
  ['http://x.a.example/', { ...proxies, no_proxy: '*.a.example' }, undefined],
  ['http://A.example:80/', { ...proxies, NO_PROXY: 'a.EXAMPLE:80' }, undefined],
  ['https://a.example/', { ...proxies, NO_PROXY: 'a.example:80' }, 'http://secure:2/'],
  ['http://10.1.2.3/', { ...proxies, NO_PROXY: '10.0.0.0/8' }, undefined],
  ['http://11.1.2.3/', { ...proxies, NO_PROXY: '10.0.0.0/8' }, 'http://plain:1/'],
  ['http://10.1.2.3/', { ...proxies, NO_PROXY: '10.1.2.3' }, undefined],
  ['http://[fd00::1]/', { ...proxies, NO_PROXY: 'fd00::/8' }, undefined],
  ['http://[fd00::1]:80/', { ...proxies, NO_PROXY: '[fd00::1]:80' }, undefined],
];

describe('util: proxies', () => {
  for (const [url, env, expected] of cases) {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    it(`${url} with ${variables.join(' ')}: ${expected}`, () => {
      expect(proxyFor(new URL(url), env)?.href).to.equal(expected);
    });
  }

  describe('on the way', () => {
    let proxy: Server;
    let target: Server;
    let folder: string;
    let asked: string[] = [];
    let refuses = false;
    const portOf = (server: Server) => (server.address() as AddressInfo).port;
    const listen = async (server: Server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    };
    const read = async (outgoing: ReturnType<typeof request>) => {
      outgoing.end();
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      const chunks = await answer.toArray();
      return Buffer.concat(chunks as Buffer[]).toString();
    };

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'hawser-proxy-'));
      const { certificate, key } = makeCertificate(folder, 'server');
      const pem = { cert: readFileSync(certificate), key: readFileSync(key) };
      target = createTLSServer(pem, (_, response) => response.end('by tunnel')) as unknown as Server;
      proxy = createServer(({ url, headers }, response) => {
        asked.push(`${url} ${headers.host} ${headers['proxy-authorization']}`);
        response.end('by proxy');
      });
      proxy.on('connect', ({ url, headers }: IncomingMessage, socket: import('node:stream').Duplex) => {
        asked.push(`${url} ${headers['proxy-authorization']}`);
        socket.on('error', () => undefined);
        if (refuses) {
          socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
          return;
        }
        const onward = connect(portOf(target), '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(onward).pipe(socket);
        });
        onward.on('error', () => socket.destroy());
      });
      await listen(proxy);
      await listen(target);
    });
    after(async () => {
      for (const server of [proxy, target]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(() => {
      asked = [];
      refuses = false;
    });
    const address = () => new URL(`http://user:pass%3A@127.0.0.1:${portOf(proxy)}`);
    const authorization = `Basic ${Buffer.from('user:pass:').toString('base64')}`;

    it('gives a proxy the whole URL of http', async () => {
      const url = new URL('http://r.example:5000/v2/?n=1');
      expect(await read(requestByProxy(url, address(), { method: 'GET' }))).to.equal('by proxy');
      expect(asked).to.deep.equal([`http://r.example:5000/v2/?n=1 r.example:5000 ${authorization}`]);
    });

    it('speaks TLS with the host itself through a tunnel', async () => {
      const agent = new TunnelAgent(address(), {
        keepAlive: true,
        ca: readFileSync(join(folder, 'server.crt')),
      });
      const get = () => read(httpsRequest('https://localhost:5000/v2/', { agent }));
      expect([await get(), await get()]).to.deep.equal(['by tunnel', 'by tunnel']);
      expect(asked).to.deep.equal([`localhost:5000 ${authorization}`]);
      agent.destroy();
    });

    it('trusts no other certificate in the tunnel', async () => {
      const agent = new TunnelAgent(address());
      const error: unknown = await read(httpsRequest('https://localhost:5000/', { agent })).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.have.property('code', 'DEPTH_ZERO_SELF_SIGNED_CERT');
    });

    it('tells what a proxy says', async () => {
      refuses = true;
      const agent = new TunnelAgent(address());
      const error: unknown = await read(httpsRequest('https://localhost:5000/', { agent })).catch(
        (thrown: unknown) => thrown,
      );
      expect(String(error)).to.equal(
        `Error: proxy 127.0.0.1:${portOf(proxy)} answers 403 for localhost:5000`,
      );
    });
  });
});
