import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { type HawserError, isHawserError } from '../../../src/errors/hawser-error.ts';
import { ApiClient } from '../../../src/orchestrator/client/api-client.ts';
import { isApiFailure } from '../../../src/orchestrator/client/api-failure.ts';
import { freePort } from '../../e2e/support/ports.ts';

const status = (code: number, reason: string) =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message: 'no', code });

async function failureOf(work: Promise<unknown>): Promise<HawserError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isHawserError(thrown)) return thrown;
  throw new Error(`not refused: ${thrown}`);
}

describe('client of the pod API', () => {
  let listener: RequestListener = (_, response) => response.end();
  const server = createServer((request, response) => listener(request, response));
  let client: ApiClient;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  const answers = (code: number, body: string, headers: Readonly<Record<string, string | string[]>> = {}) => {
    listener = (_, response) => {
      response.writeHead(code, headers);
      response.end(body);
    };
  };
  async function streamed(signal?: AbortSignal): Promise<string> {
    let text = '';
    for await (const chunk of client.stream('/x', { signal })) text += Buffer.from(chunk).toString();
    return text;
  }

  it('sends what it is asked to', async () => {
    let seen: readonly unknown[] = [];
    listener = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen = [request.method, request.url, request.headers['content-type'], request.headers.accept, body];
      response.end('{"a":1}');
    };
    const { value } = await client.call('/a/b', {
      method: 'PUT',
      query: { x: 'ä&', y: undefined },
      body: { k: 'ü' },
    });
    expect(value).to.deep.equal({ a: 1 });
    expect(seen).to.deep.equal([
      'PUT',
      '/a/b?x=%C3%A4%26',
      'application/json',
      'application/json',
      '{"k":"ü"}',
    ]);
  });

  it('reads warnings', async () => {
    answers(200, '{}', { Warning: ['299 - "one, \\"two\\""', '299 - "three"', '199 - "other"'] });
    expect((await client.call('/')).warnings).to.deep.equal(['one, "two"', 'three']);
  });

  const refusals: readonly (readonly [number, string, ErrorCode])[] = [
    [404, 'NotFound', 'NOT_FOUND'],
    [409, 'AlreadyExists', 'ALREADY_EXISTS'],
    [409, 'Conflict', 'CONFLICT'],
    [403, 'Forbidden', 'CONFLICT'],
    [422, 'Invalid', 'OBJECT_INVALID'],
    [400, 'BadRequest', 'OBJECT_INVALID'],
    [500, 'InternalError', 'UNAVAILABLE'],
    [418, 'constructor', 'UNAVAILABLE'],
  ];
  for (const [code, reason, expected] of refusals) {
    it(`takes ${code} ${reason} for ${expected}`, async () => {
      answers(code, status(code, reason));
      for (const work of [client.call('/'), streamed()]) {
        const error = await failureOf(work);
        expect([error.code, error.message]).to.deep.equal([expected, 'no']);
        expect(isApiFailure(error, reason)).to.equal(true);
      }
    });
  }

  it('tells what is no pod API', async () => {
    for (const [code, body] of [
      [200, '<html>'],
      [404, '<html>'],
      [500, '{"error":"x"}'],
      [404, ''],
    ] as const) {
      answers(code, body);
      expect((await failureOf(client.call('/'))).code, body).to.equal('API_UNREACHABLE');
      if (code >= 400) expect((await failureOf(streamed())).code, body).to.equal('API_UNREACHABLE');
    }
  });

  it('tells that nobody listens, and what to do', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const error = await failureOf(new ApiClient(url).call('/'));
    expect([error.code, error.message, error.remedy]).to.deep.equal([
      'API_UNREACHABLE',
      `the pod API at ${url} does not answer: nothing listens there`,
      'Start it: hawser cluster up.',
    ]);
  });

  it('tells that an answer broke off', async () => {
    listener = (_, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"a"', () => response.destroy());
    };
    for (const work of [client.call('/'), streamed()]) {
      const error = await failureOf(work);
      expect(error.code).to.equal('API_UNREACHABLE');
      expect(error.message).to.match(/broke off/);
    }
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    listener = (_, response) => {
      response.writeHead(200);
      response.write('{', () => setImmediate(() => stop.abort()));
    };
    const work = [client.call('/', { signal: stop.signal }), streamed(stop.signal)];
    for (const one of work) expect((await failureOf(one)).code).to.equal('ABORTED');
    expect((await failureOf(client.call('/', { signal: stop.signal }))).code).to.equal('ABORTED');
  });

  it('takes only http URLs', () => {
    for (const url of ['', 'localhost:8080', 'ftp://a', 'https://a', '/a'])
      expect(() => new ApiClient(url), url).to.throw(/is not an http URL/);
  });
});
