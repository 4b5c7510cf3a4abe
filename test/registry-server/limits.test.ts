import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { codeOf, pushBlob, send, TestRegistry } from './support/registry.ts';

describe('registry-server: limits', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const open = async (port: number, text: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  /** What comes until the server closes the connection. */
  const rest = async (socket: Socket) => {
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  };

  it('cuts a client that does not get to the end of its headers', async () => {
    await registry.restart({ limits: { headersTimeout: 100 } });
    for (const text of ['', 'GET /v2/ HT', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nX-A: ']) {
      expect(await rest(await open(registry.port, text))).to.match(/^$|^HTTP\/1\.1 408 /);
    }
  });

  it('cuts an upload that stands still, which then goes on', async () => {
    await registry.restart({ limits: { idleTimeout: 200 } });
    const content = randomBytes(3_000_000);
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    const path = new URL(headers.location ?? '').pathname;
    const head = `PATCH ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${content.length}\r\n\r\n`;
    const socket = await open(registry.port, head);
    socket.write(content.subarray(0, 2_000_000));
    await rest(socket);
    await registry.restart(); // with a time in which a loaded machine can answer
    const progress = async () => Number((await registry.send(`GET ${path}`)).headers.range?.slice(2)) + 1;
    while ((await progress()) < 2_000_000) await delay(10);
    const answer = await registry.send(`PUT ${path}?digest=${digestOf(content)}`, {
      body: content.subarray(2_000_000),
    });
    expect(answer.status).to.equal(201);
  });

  const longHeaders = [
    ['a long path', `GET /v2/${'a/'.repeat(20_000)}tags/list HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a long header', `GET /v2/ HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`],
    ['many headers', `GET /v2/ HTTP/1.1\r\nHost: x\r\n${'X-A: abcdefgh\r\n'.repeat(5000)}\r\n`],
  ] as const;
  for (const [what, text] of longHeaders) {
    it(`answers ${what} with 431`, async () => {
      expect(await rest(await open(registry.port, text))).to.match(/^HTTP\/1\.1 431 /);
    });
  }

  const smuggled = [
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a length beside chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an encoding that is none', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a length that is no number', 'Content-Length: 1e3\r\n\r\n'],
    ['a header that goes on in the next line', 'X-A: b\r\n c\r\nContent-Length: 0, 1\r\n\r\n'],
  ] as const;
  for (const [what, text] of smuggled) {
    it(`takes no request with ${what}`, async () => {
      const head = 'PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n';
      expect(await rest(await open(registry.port, head + text))).to.match(/^HTTP\/1\.1 400 /);
    });
  }

  it('opens only so many uploads at once, and tells when to come again', async () => {
    await registry.restart({ uploads: { maxOpen: 3 } });
    const start = () => registry.send('POST /v2/a/blobs/uploads/');
    const [first, second] = [await start(), await start(), await start()];
    const refused = await start();
    expect([refused.status, codeOf(refused), refused.headers['retry-after']]).to.deep.equal([
      429,
      'TOOMANYREQUESTS',
      '30',
    ]);
    await registry.send(`DELETE ${first?.headers.location}`);
    expect((await start()).status).to.equal(202);
    expect((await start()).status).to.equal(429);
    const content = 'x';
    await registry.send(`PUT ${second?.headers.location}?digest=${digestOf(content)}`, { body: content });
    expect((await start()).status).to.equal(202);
  });

  it('gives up the upload that was idle for the longest time, where there are too many', async () => {
    await registry.restart({ uploads: { maxOpen: 2, idleTime: 0 } });
    const start = async () => (await registry.send('POST /v2/a/blobs/uploads/')).headers.location;
    const [first, second] = [await start(), await start()];
    await delay(2);
    await registry.send(`PATCH ${first}`, { body: 'x' });
    await delay(2);
    const third = await start();
    const status = async (location: string | undefined) => (await registry.send(`GET ${location}`)).status;
    expect([await status(first), await status(second), await status(third)]).to.deep.equal([204, 404, 204]);
  });
});

describe('registry-server: slow clients', function () {
  this.timeout(60_000);
  const count = 300;
  /** MiB, of 300 that are sent. */
  const limit = 60;
  let registry: TestRegistry;
  let child: ChildProcess;
  let url: string;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    registry = await TestRegistry.start();
    const script = new URL('./processes/serve.ts', import.meta.url).pathname;
    child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', script, registry.root, '0'], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    url = line.toString().trim();
    port = Number(new URL(url).port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    child.kill();
    await once(child, 'exit');
    await registry.dispose();
  });

  /** MiB that the server holds. */
  const memory = async () => {
    child.send('memory');
    const [bytes] = (await once(child, 'message')) as [number];
    return bytes / (1 << 20);
  };
  /** How much more it holds than `before`, once what passes through has passed: buffers go a little after their garbage. */
  const heldSince = async (before: number) => {
    let held = (await memory()) - before;
    for (let tries = 0; held >= limit && tries < 100; tries++) {
      await delay(50);
      held = (await memory()) - before;
    }
    return held;
  };
  const hold = async (text: string, body?: Buffer) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    socket.pause();
    socket.write(text);
    if (body !== undefined) await new Promise(resolve => socket.write(body, resolve));
  };

  it('that do not read what they asked for hold little memory', async () => {
    const content = randomBytes(32 << 20);
    const digest = digestOf(content);
    await pushBlob(url, 'a', content);
    for (let round = 0; round < 4; round++) await send(url, `GET /v2/a/blobs/${digest}`);
    const before = await memory();
    const get = `GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`;
    await Promise.all(Array.from({ length: count }, () => hold(get)));
    const got = await send(url, `GET /v2/a/blobs/${digest}`);
    expect(got.body.equals(content)).to.equal(true);
    expect(await heldSince(before)).to.be.lessThan(limit);
  });

  it('that send the half of what they announced hold little memory', async () => {
    const before = await memory();
    const half = randomBytes(1 << 20);
    const paths = await Promise.all(
      Array.from(
        { length: count },
        async () => new URL((await send(url, 'POST /v2/a/blobs/uploads/')).headers.location ?? '').pathname,
      ),
    );
    await Promise.all(
      paths.map(path => hold(`PATCH ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n`, half)),
    );
    const progress = async (path: string) => Number((await send(url, `GET ${path}`)).headers.range?.slice(2));
    for (const path of paths) while ((await progress(path)) < half.length - 1) await delay(20);
    expect(await heldSince(before)).to.be.lessThan(limit);
  });
});
