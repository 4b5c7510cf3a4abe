import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { digestHex, digestOf } from '../../src/image/digest.ts';
import { type Answer, codeOf, send, TestRegistry } from './support/registry.ts';

const content = Buffer.from('0123456789'.repeat(1000));
const wrong = digestOf('something else');

async function* inChunks(bytes: Uint8Array, size = 1000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function withDigest(location: string | undefined, digest: string): string {
  return `${location}${location?.includes('?') ? '&' : '?'}digest=${digest}`;
}

type Push = (registry: TestRegistry, name: string, bytes: Buffer, digest: string) => Promise<Answer>;

/** Every way to upload a blob: distribution-spec 1.1, "Pushing blobs". */
const ways: Readonly<Record<string, Push>> = {
  'single POST': (registry, name, bytes, digest) =>
    registry.send(`POST /v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes }),
  'POST and PUT': async (registry, name, bytes, digest) => {
    const { headers } = await registry.send(`POST /v2/${name}/blobs/uploads/`);
    return registry.send(`PUT ${withDigest(headers.location, digest)}`, { body: bytes });
  },
  'POST and chunked PUT': async (registry, name, bytes, digest) => {
    const { headers } = await registry.send(`POST /v2/${name}/blobs/uploads/`);
    return registry.send(`PUT ${withDigest(headers.location, digest)}`, { body: inChunks(bytes) });
  },
  'announced algorithm': async (registry, name, bytes, digest) => {
    const algorithm = digest.split(':')[0];
    const { headers } = await registry.send(`POST /v2/${name}/blobs/uploads/?digest-algorithm=${algorithm}`);
    return registry.send(`PUT ${withDigest(headers.location, digest)}`, { body: bytes });
  },
  'streamed PATCH': async (registry, name, bytes, digest) => {
    const { headers } = await registry.send(`POST /v2/${name}/blobs/uploads/`);
    const patched = await registry.send(`PATCH ${headers.location}`, { body: inChunks(bytes) });
    return registry.send(`PUT ${withDigest(patched.headers.location, digest)}`);
  },
  'two chunks': (registry, name, bytes, digest) => pushChunks(registry, { name, bytes, digest, last: false }),
  'two chunks, the last one with PUT': (registry, name, bytes, digest) =>
    pushChunks(registry, { name, bytes, digest, last: true }),
};

async function pushChunks(
  registry: TestRegistry,
  push: { name: string; bytes: Buffer; digest: string; last: boolean },
): Promise<Answer> {
  const half = Math.ceil(push.bytes.length / 2);
  const range = (start: number, end: number) => ({ 'Content-Range': `${start}-${end - 1}` });
  const started = await registry.send(`POST /v2/${push.name}/blobs/uploads/`);
  const first = await registry.send(`PATCH ${started.headers.location}`, {
    body: push.bytes.subarray(0, half),
    headers: range(0, half),
  });
  expect(first.status).to.equal(202);
  expect(first.headers.range).to.equal(`0-${half - 1}`);
  const rest = { body: push.bytes.subarray(half), headers: range(half, push.bytes.length) };
  if (push.last) return registry.send(`PUT ${withDigest(first.headers.location, push.digest)}`, rest);
  const second = await registry.send(`PATCH ${first.headers.location}`, rest);
  expect(second.status).to.equal(202);
  return registry.send(`PUT ${withDigest(second.headers.location, push.digest)}`);
}

/** Everything under the volume that holds bytes of a blob. */
function dataFiles(registry: TestRegistry): string[] {
  const root = registry.path('blobs');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('/data'));
}

describe('registry-server: blobs', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  for (const [way, push] of Object.entries(ways)) {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      it(`takes a blob by ${way}, ${algorithm}`, async () => {
        const digest = digestOf(content, algorithm);
        const pushed = await push(registry, 'a/b', content, digest);
        expect(pushed.status).to.equal(201);
        expect(pushed.headers['docker-content-digest']).to.equal(digest);
        const got = await send(registry.url, `GET ${pushed.headers.location}`);
        expect(got.status).to.equal(200);
        expect(got.body.equals(content)).to.equal(true);
        expect(got.headers['docker-content-digest']).to.equal(digest);
        const head = await registry.send(`HEAD /v2/a/b/blobs/${digest}`);
        expect(head.headers['content-length']).to.equal('10000');
        expect(head.headers['docker-content-digest']).to.equal(digest);
        expect(readdirSync(registry.path('repositories/a/b/_uploads'))).to.deep.equal([]);
      });

      it(`refuses a wrong digest by ${way}, ${algorithm}, and publishes nothing`, async () => {
        const pushed = await push(registry, 'a/b', content, digestOf('something else', algorithm));
        expect(pushed.status).to.equal(400);
        expect(codeOf(pushed)).to.equal('DIGEST_INVALID');
        for (const digest of [digestOf('something else', algorithm), digestOf(content, algorithm)]) {
          expect((await registry.send(`HEAD /v2/a/b/blobs/${digest}`)).status).to.equal(404);
        }
        expect(dataFiles(registry)).to.deep.equal([]);
        expect(readdirSync(registry.path('repositories/a/b/_uploads'))).to.deep.equal([]);
      });
    }

    it(`takes an empty blob by ${way}`, async function () {
      if (way.startsWith('two chunks')) return; // there is no range of nothing
      const digest = digestOf('');
      expect((await ways[way]?.(registry, 'a', Buffer.alloc(0), digest))?.status).to.equal(201);
      const got = await registry.send(`GET /v2/a/blobs/${digest}`);
      expect([got.status, got.headers['content-length']]).to.deep.equal([200, '0']);
    });
  }

  const size = content.length;
  const ranges: readonly (readonly [string, number, string | undefined, number])[] = [
    ['bytes=500-1499', 206, 'bytes 500-1499/10000', 1000],
    ['bytes=500-', 206, 'bytes 500-9999/10000', 9500],
    ['bytes=-500', 206, 'bytes 9500-9999/10000', 500],
    ['bytes=0-0', 206, 'bytes 0-0/10000', 1],
    ['bytes=9000-20000', 206, 'bytes 9000-9999/10000', 1000],
    ['bytes=-20000', 206, 'bytes 0-9999/10000', size],
    ['bytes=500-0', 416, 'bytes */10000', 0],
    ['bytes=10000-20000', 416, 'bytes */10000', 0],
    ['bytes=0-1,5-6', 200, undefined, size],
    ['chapters=1-2', 200, undefined, size],
  ];
  for (const [range, status, contentRange, length] of ranges) {
    it(`answers Range ${range} with ${status}`, async () => {
      const digest = await registry.pushBlob('a', content);
      const got = await registry.send(`GET /v2/a/blobs/${digest}`, { headers: { Range: range } });
      expect(got.status).to.equal(status);
      expect(got.headers['content-range']).to.equal(contentRange);
      if (status === 416) {
        expect(codeOf(got)).to.equal('RANGE_INVALID');
        return;
      }
      expect(got.body.length).to.equal(length);
      const start = Number(/bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? 0);
      expect(got.body.equals(content.subarray(start, start + length))).to.equal(true);
    });
  }

  it('answers If-None-Match and If-Range', async () => {
    const digest = await registry.pushBlob('a', content);
    const path = `GET /v2/a/blobs/${digest}`;
    const get = (headers: Record<string, string>) => registry.send(path, { headers });
    expect((await get({ 'If-None-Match': `"${digest}"` })).status).to.equal(304);
    expect((await get({ 'If-None-Match': '"other", *' })).status).to.equal(304);
    expect((await get({ 'If-None-Match': '"other"' })).status).to.equal(200);
    expect((await get({ Range: 'bytes=0-1', 'If-Range': `"${digest}"` })).status).to.equal(206);
    expect((await get({ Range: 'bytes=0-1', 'If-Range': '"other"' })).status).to.equal(200);
  });

  it('goes on with an upload where it is, and refuses chunks that do not', async () => {
    const started = await registry.send('POST /v2/a/blobs/uploads/');
    const location = started.headers.location ?? '';
    expect(started.status).to.equal(202);
    expect(started.headers.range).to.equal('0-0');
    expect(location).to.match(new RegExp(`^${registry.url}/v2/a/blobs/uploads/[0-9a-f-]{36}$`));
    expect(location.endsWith(started.headers['docker-upload-uuid'] as string)).to.equal(true);
    const chunk = (range: string, body: Buffer) =>
      registry.send(`PATCH ${location}`, { headers: { 'Content-Range': range }, body });
    const outOfOrder = await chunk('10-19', content.subarray(10, 20));
    expect([outOfOrder.status, codeOf(outOfOrder)]).to.deep.equal([416, 'RANGE_INVALID']);
    expect([outOfOrder.headers.range, outOfOrder.headers.location]).to.deep.equal(['0-0', location]);
    expect((await chunk('0-9', content.subarray(0, 10))).status).to.equal(202);
    expect((await chunk('0-9', content.subarray(0, 10))).status).to.equal(416);
    expect((await chunk('nonsense', content.subarray(0, 10))).status).to.equal(416);
    const put = await registry.send(`PUT ${withDigest(location, digestOf(content))}`, {
      headers: { 'Content-Range': '20-29' },
      body: content.subarray(20, 30),
    });
    expect(put.status).to.equal(416);
    const status = await registry.send(`GET ${location}`);
    expect([status.status, status.headers.range, status.headers.location]).to.deep.equal([
      204,
      '0-9',
      location,
    ]);
    await chunk('10-9999', content.subarray(10));
    const ended = await registry.send(`PUT ${withDigest(location, digestOf(content))}`);
    expect(ended.status).to.equal(201);
    expect((await registry.send(`GET ${location}`)).status).to.equal(404);
  });

  for (const [body, length] of [
    ['shorter', 20],
    ['longer than announced', 5],
  ] as const) {
    it(`refuses a chunk that is ${body} than its Content-Range`, async () => {
      const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
      const patched = await registry.send(`PATCH ${headers.location}`, {
        headers: { 'Content-Range': `0-${length - 1}` },
        body: content.subarray(0, 10),
      });
      expect([patched.status, codeOf(patched)]).to.deep.equal([400, 'SIZE_INVALID']);
    });
  }

  it('goes on with an upload after a restart', async () => {
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    const path = new URL(headers.location ?? '').pathname;
    await registry.send(`PATCH ${path}`, { body: content.subarray(0, 4000) });
    await registry.restart();
    expect((await registry.send(`GET ${path}`)).headers.range).to.equal('0-3999');
    await registry.send(`PATCH ${path}`, { body: content.subarray(4000) });
    expect((await registry.send(`PUT ${path}?digest=${digestOf(content)}`)).status).to.equal(201);
  });

  it('cancels an upload', async () => {
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    await registry.send(`PATCH ${headers.location}`, { body: content });
    expect((await registry.send(`DELETE ${headers.location}`)).status).to.equal(204);
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT']) {
      const answer = await registry.send(`${method} ${withDigest(headers.location, digestOf(content))}`);
      expect([answer.status, codeOf(answer)], method).to.deep.equal([404, 'BLOB_UPLOAD_UNKNOWN']);
    }
  });

  it('keeps an upload whose client vanished, to be gone on with', async () => {
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    async function* broken() {
      yield content.subarray(0, 5000);
      await new Promise(resolve => setTimeout(resolve, 20));
      throw new Error('the line is cut');
    }
    await registry.send(`PATCH ${headers.location}`, { body: broken() }).catch(() => undefined);
    // The server may still be writing what came before the line was cut: then the range is behind, and is asked for again.
    for (let isTaken = false; !isTaken; ) {
      const size = await uploadedSize(registry, headers.location ?? '');
      const range = { 'content-range': `${size}-${content.length - 1}` };
      const body = content.subarray(size);
      isTaken = (await registry.send(`PATCH ${headers.location}`, { headers: range, body })).status === 202;
    }
    const ended = await registry.send(`PUT ${withDigest(headers.location, digestOf(content))}`);
    expect(ended.status).to.equal(201);
  });

  it('takes the same blob from many clients at once', async () => {
    const big = randomBytes(3_000_000);
    const digest = digestOf(big);
    const names = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 'same' : `other${index}`));
    const streamed = ways['streamed PATCH'] as Push;
    const answers = await Promise.all(names.map(name => streamed(registry, name, big, digest)));
    expect(answers.map(({ status }) => status)).to.deep.equal(names.map(() => 201));
    expect(dataFiles(registry).length).to.equal(1);
    for (const name of names) {
      const got = await registry.send(`GET /v2/${name}/blobs/${digest}`);
      expect(createHash('sha256').update(got.body).digest('hex')).to.equal(digestHex(digest));
    }
  });

  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`mounts a blob, ${algorithm}`, async () => {
      const digest = await registry.pushBlob('from', content, digestOf(content, algorithm));
      const mount = (target: string, query: string) =>
        registry.send(`POST /v2/${target}/blobs/uploads/?mount=${digest}${query}`);
      const cases: readonly (readonly [string, string, number])[] = [
        ['to', '&from=from', 201],
        ['anonymous', '', 201],
        ['elsewhere', '&from=nowhere', 202],
      ];
      for (const [target, query, status] of cases) {
        const mounted = await mount(target, query);
        expect(mounted.status, target).to.equal(status);
        const got = await registry.send(`GET /v2/${target}/blobs/${digest}`);
        expect(got.status, target).to.equal(status === 201 ? 200 : 404);
        if (status === 202) expect(mounted.headers.location).to.include('/v2/elsewhere/blobs/uploads/');
        else expect(mounted.headers['docker-content-digest']).to.equal(digest);
      }
    });

    it(`deletes a blob from one repository, ${algorithm}`, async () => {
      const digest = await registry.pushBlob('a', content, digestOf(content, algorithm));
      await registry.pushBlob('b', content, digest);
      const remove = () => registry.send(`DELETE /v2/a/blobs/${digest}`);
      expect((await remove()).status).to.equal(202);
      expect(codeOf(await remove())).to.equal('BLOB_UNKNOWN');
      for (const [name, status] of [['a', 404] as const, ['b', 200] as const]) {
        for (const each of [digest, digestOf(content)]) {
          expect((await registry.send(`GET /v2/${name}/blobs/${each}`)).status, name).to.equal(status);
        }
      }
    });
  }

  const locations: readonly (readonly [Record<string, string>, string])[] = [
    [{ Host: 'registry.example' }, 'http://registry.example'],
    [{ Host: 'registry.example:5000', 'X-Forwarded-Proto': 'https' }, 'https://registry.example:5000'],
    [{ 'X-Forwarded-Host': 'outside.example', 'X-Forwarded-Proto': 'https' }, 'https://outside.example'],
    [{ Host: 'evil"><script>' }, ''],
  ];
  for (const [headers, origin] of locations) {
    it(`puts ${origin === '' ? 'no origin' : origin} into Location`, async () => {
      const { headers: answered } = await registry.send('POST /v2/a/blobs/uploads/', { headers });
      expect(answered.location?.startsWith(`${origin}/v2/a/blobs/uploads/`)).to.equal(true);
    });
  }

  it('puts a path into Location with relativeURLs', async () => {
    await registry.restart({ relativeURLs: true });
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    expect(headers.location).to.match(/^\/v2\/a\/blobs\/uploads\//);
    const ended = await registry.send(`PUT ${withDigest(headers.location, digestOf(content))}`, {
      body: content,
    });
    expect(ended.headers.location).to.equal(`/v2/a/blobs/${digestOf(content)}`);
  });

  const refused: readonly (readonly [string, number, string])[] = [
    [`GET /v2/a/blobs/${wrong}`, 404, 'BLOB_UNKNOWN'],
    [`HEAD /v2/a/blobs/sha256:12`, 400, ''],
    ['GET /v2/a/blobs/sha256:12', 400, 'DIGEST_INVALID'],
    ['GET /v2/A/tags/list', 400, 'NAME_INVALID'],
    ['POST /v2/a/blobs/uploads/?digest=sha256:12', 400, 'DIGEST_INVALID'],
    ['POST /v2/a/blobs/uploads/?mount=nothing', 400, 'DIGEST_INVALID'],
    [`POST /v2/a/blobs/uploads/?mount=${wrong}&from=../b`, 400, 'NAME_INVALID'],
    ['POST /v2/a/blobs/uploads/?digest-algorithm=md5', 400, 'DIGEST_INVALID'],
    ['PUT /v2/a/blobs/uploads/00000000-0000-0000-0000-000000000000', 400, 'DIGEST_INVALID'],
    ['GET /v2/a/blobs/uploads/00000000-0000-0000-0000-000000000000', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['GET /v2/a/blobs/uploads/1', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['POST /v2/', 405, 'UNSUPPORTED'],
    ['GET /v2/a/nothing', 404, 'NAME_UNKNOWN'],
    ['GET /v2/%zz/tags/list', 400, 'NAME_INVALID'],
  ];
  for (const [line, status, code] of refused) {
    it(`answers ${line.slice(0, 70)} with ${status} ${code}`, async () => {
      const answer = await registry.send(line);
      expect([answer.status, codeOf(answer) ?? '']).to.deep.equal([status, code]);
      expect(answer.headers['docker-distribution-api-version']).to.equal('registry/2.0');
    });
  }
});

async function uploadedSize(registry: TestRegistry, location: string): Promise<number> {
  // The server may still be writing what the vanished client sent.
  for (;;) {
    const { headers } = await registry.send(`GET ${location}`);
    const size = Number(headers.range?.split('-')[1]) + 1;
    const path = registry.path(
      join('repositories/a/_uploads', headers['docker-upload-uuid'] as string, 'data'),
    );
    if (size > 1 && existsSync(path)) return size;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
