import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { listen } from '../../../src/orchestrator/apiserver/http/listen.ts';
import { startApiServer } from '../../../src/orchestrator/apiserver/start-api-server.ts';
import { type OpenedApi, openApi, podNamed, podsPath, statusOf } from '../support/open-api.ts';

describe('API: HTTP', () => {
  let api: OpenedApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  it('keeps out pages of browsers: other origins, and domains that point here', async () => {
    const { host, port } = new URL(api.url);
    const rows: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
      [{}, 200],
      [{ Host: `localhost:${port}` }, 200],
      [{ Host: 'LOCALHOST' }, 200],
      [{ Host: `[::1]:${port}` }, 200],
      [{ Host: '192.0.2.1' }, 200],
      [{ Origin: `http://${host}` }, 200],
      [{ Host: 'evil.example' }, 403],
      [{ Host: `evil.example:${port}` }, 403],
      [{ Host: `127.0.0.1.evil.example:${port}` }, 403],
      [{ Host: 'localhost.evil.example' }, 403],
      [{ Origin: 'http://evil.example' }, 403],
      [{ Origin: 'null' }, 403],
      [{ Origin: `https://${host}` }, 403],
      [{ Origin: 'http://127.0.0.1:1' }, 403],
      [{ Host: 'evil.example', Origin: 'http://evil.example' }, 403],
    ];
    for (const [headers, code] of rows) {
      const reply = await api.call('GET', podsPath, { headers });
      expect(reply.status, JSON.stringify(headers)).to.equal(code);
      if (code === 403) expect(statusOf(reply)).to.include({ kind: 'Status', reason: 'Forbidden' });
    }
    const headers = { Origin: 'http://evil.example' };
    expect((await api.call('POST', podsPath, { body: podNamed('evil'), headers })).status).to.equal(403);
    expect((await api.call('GET', `${podsPath}/evil`)).status).to.equal(404);
  });

  /** What the server answers to these bytes, until it closes the connection. */
  async function talk(...parts: readonly string[]): Promise<string> {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    const chunks: Uint8Array[] = [];
    socket.on('data', chunk => chunks.push(chunk));
    for (const part of parts) socket.write(part);
    await once(socket, 'close');
    return Buffer.concat(chunks).toString();
  }

  it('refuses what is no HTTP, or too much of it', async () => {
    // Of old clients, nobody knows whom they mean to speak to.
    expect(await talk('GET /api/v1/pods HTTP/1.0\r\n\r\n')).to.match(/^HTTP\/1\.1 403 /);
    expect(await talk('nonsense\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /);
    expect(await talk(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).to.match(
      /^HTTP\/1\.1 431 /,
    );
    const announced = await talk(
      `POST ${podsPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n`,
      ' '.repeat(4 << 20),
    );
    expect(announced).to.match(/^HTTP\/1\.1 413 /);
    expect(api.log).to.deep.equal([]);
  });

  it('survives clients that leave', async () => {
    const lines = api.watch(`${podsPath}?watch=true`);
    const first = lines.next();
    await api.call('POST', podsPath, { body: podNamed('a') });
    expect((await first).value?.type).to.equal('ADDED');
    await lines.return();
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(
      `POST ${podsPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"`,
    );
    await once(socket, 'connect');
    socket.destroy();
    await once(socket, 'close');
    expect((await api.call('GET', '/readyz')).text).to.equal('ok');
  });

  it('says why it cannot listen', async () => {
    const port = Number(new URL(api.url).port);
    const options = { context: api.context, logs: { openLog: async () => undefined }, log: () => undefined };
    for (const [host, wanted, code] of [
      ['127.0.0.1', port, 'ADDRESS_IN_USE'],
      ['192.0.2.1', 0, 'INVALID_ARGUMENT'],
    ] as const) {
      const thrown = await startApiServer({ ...options, host, port: wanted }).catch(
        (error: unknown) => error,
      );
      expect(isHawserError(thrown, code), `${host}: ${thrown}`).to.equal(true);
    }
  });

  it('answers what fails in it with an error that it also tells of', async () => {
    const broken = await openApi();
    const log: string[] = [];
    const store = { ...broken.context.store, list: () => Promise.reject(new Error('the disk is gone')) };
    const server = await startApiServer({
      context: { ...broken.context, store },
      logs: { openLog: async () => undefined },
      host: '127.0.0.1',
      port: 0,
      log: line => log.push(line),
    });
    const reply = await fetch(`${server.url}/api/v1/pods`);
    expect(reply.status).to.equal(500);
    expect(await reply.json()).to.include({
      kind: 'Status',
      reason: 'InternalError',
      message: 'the disk is gone',
    });
    expect(log).to.deep.equal(['api: the disk is gone']);
    await server.close();
    await broken.close();
  });

  it('closes connections that wait', async () => {
    const server = await listen(() => undefined, { host: '127.0.0.1', port: 0 });
    server.close();
    await once(server, 'close');
  });
});
