import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectH2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTLS } from 'node:tls';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { makeCertificate, type TestCertificate } from './support/certificates.ts';
import { TestRegistry } from './support/registry.ts';

/** Longer than a test may take: what waits for it fails. */
const drainTimeout = 600_000;
const ping = 'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n';

async function answered(socket: Socket): Promise<void> {
  socket.write(ping);
  await once(socket, 'data');
}

/** However it ends: a reset is one way. */
function isClosed(socket: Socket): Promise<unknown> {
  return new Promise(resolve => socket.once('close', resolve));
}

/** What a client does before the server closes, on a connection of its own. */
const clients: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'said nothing': () => undefined,
  'had an answer': answered,
  'had several': async socket => {
    for (let count = 0; count < 3; count++) await answered(socket);
  },
  'began a request and stopped': socket => new Promise(sent => socket.write('GET /v2/ HT', sent)),
};

describe('registry-server: closing', () => {
  let folder: string;
  let certificate: TestCertificate;
  let registry: TestRegistry | undefined;
  const sockets: Socket[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-closing-'));
    certificate = makeCertificate(folder, 'server');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await registry?.dispose();
    registry = undefined;
  });

  const start = async (secure: boolean) => {
    registry = await TestRegistry.start({ drainTimeout, ...(secure ? { tls: certificate } : {}) });
    return registry;
  };
  const open = async (port: number, secure: boolean): Promise<Socket> => {
    const socket = secure
      ? connectTLS({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // a reset is one way to be closed
    sockets.push(socket);
    await once(socket, secure ? 'secureConnect' : 'connect');
    return socket;
  };

  for (const secure of [false, true]) {
    for (const [name, act] of Object.entries(clients)) {
      it(`waits for no client that ${name}${secure ? ', over TLS' : ''}`, async () => {
        const { port } = await start(secure);
        const socket = await open(port, secure);
        await act(socket);
        const closed = isClosed(socket.resume());
        await Promise.all([registry?.close(), closed]);
      });
    }
  }

  it('waits for no client that has not begun with TLS', async () => {
    const { port } = await start(true);
    const closed = isClosed((await open(port, false)).resume());
    await Promise.all([registry?.close(), closed]);
  });

  it('waits for no idle session of HTTP/2', async () => {
    const { port } = await start(true);
    const session = connectH2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', () => undefined); // a reset is one way to be closed
    const stream = session.request({ ':path': '/v2/' });
    await once(stream.resume(), 'end');
    const closed = new Promise(resolve => session.once('close', resolve));
    await Promise.all([registry?.close(), closed]);
  });

  it('waits for a request that runs, and closes its connection though nothing said so when it began', async () => {
    const server = await start(false);
    const { headers } = await server.send('POST /v2/a/blobs/uploads/');
    const content = 'begun before, ended after';
    const { pathname } = new URL(headers.location ?? '');
    const path = `${pathname}?digest=${digestOf(content)}`;
    const socket = await open(server.port, false);
    const line = `PUT ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${content.length}\r\n\r\n`;
    const closed = isClosed(socket);
    socket.write(line);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).to.match(/^HTTP\/1.1 100 Continue/);
    const closing = server.close();
    socket.write(content);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1.1 201 Created/);
    await Promise.all([closing, closed]);
    await server.restart();
    expect((await server.send(`HEAD /v2/a/blobs/${digestOf(content)}`)).status).to.equal(200);
  });
});
