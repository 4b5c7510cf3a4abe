import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { tarEntry } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString, textOf } from '../../src/util/byte-string.ts';
import { collect } from '../content/conformance.ts';
import { WebServer } from './servers/web-server.ts';
import { BuildSandbox, errorOf } from './support.ts';

const modified = 'Wed, 21 Oct 2015 07:28:00 GMT';
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

describe('ADD of URLs', () => {
  let sandbox: BuildSandbox;
  let web: WebServer;
  let content: string;
  let redirect = '';
  let archive: Uint8Array;
  before(async () => {
    archive = await collect(
      writeTar([tarItem(tarEntry({ type: 'file', name: byteString('in') }), Buffer.from('x'))]),
    );
  });
  beforeEach(async () => {
    sandbox = await BuildSandbox.open();
    content = 'one';
    web = await WebServer.start(answer);
  });
  afterEach(async () => {
    await web.stop();
    sandbox.close();
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const etag = `"${content}"`;
    const path = request.url ?? '';
    if (path === '/elsewhere') response.writeHead(302, { location: redirect }).end();
    else if (path === '/there') response.writeHead(302, { location: '/tagged' }).end();
    else if (path === '/circle') response.writeHead(302, { location: '/circle' }).end();
    else if (path === '/broken')
      response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy());
    else if (path === '/a.tar') response.end(archive);
    else if (path.startsWith('/plain') || path === '/') response.end(content);
    else if (path === '/tagged') {
      if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
      else response.writeHead(200, { etag, 'last-modified': modified }).end(content);
    } else if (path === '/ignores-conditions') response.writeHead(200, { etag: `W/${etag}` }).end(content);
    else response.writeHead(404).end('no');
  }

  const build = (...lines: readonly string[]) =>
    sandbox.build(sandbox.context({ Dockerfile: ['FROM scratch', ...lines].join('\n') }));
  const cached = async (line: string) => (await build(line)).log.steps[0]?.startsWith('cached');

  it('trap 28: gives mode 0600, the time of Last-Modified, and the name at the end of the path', async () => {
    const { image } = await build(`ADD ${web.url}/tagged ${web.url}/plain%20name?query /x/`);
    expect(await sandbox.layer(image, -1)).to.deep.equal([
      'd0755 0:0 x',
      '-0600 0:0 x/plain name',
      '-0600 0:0 x/tagged',
    ]);
    const times: Record<string, number> = {};
    for await (const { entry } of readTar(
      sandbox.store.open(image.manifest.value.layers[0]?.digest as never),
    )) {
      times[textOf(entry.name)] = entry.mtime.seconds;
    }
    expect(times).to.include({ 'x/tagged': Date.parse(modified) / 1000, 'x/plain name': 0 });
  });

  it('trap 28: calls a URL without a path __unnamed__', async () => {
    const { image } = await build(`ADD ${web.url}/ /x/`);
    expect(await sandbox.layer(image, -1)).to.deep.equal(['d0755 0:0 x', '-0600 0:0 x/__unnamed__']);
    const history = image.config.value.history?.at(-1)?.created_by;
    expect(history).to.equal(`ADD ${web.url}/ /x/ # buildkit`);
  });

  it('trap 28: asks again with the ETag, and fetches what has changed', async () => {
    const line = `ADD ${web.url}/tagged /x`;
    expect(await cached(line)).to.equal(false);
    web.requests.length = 0;
    expect(await cached(line)).to.equal(true);
    expect(web.requests).to.deep.equal(['HEAD /tagged']);
    content = 'two';
    expect(await cached(line)).to.equal(false);
    const { image } = await build(line);
    expect(await sandbox.fileIn(image, 'x')).to.equal('two');
  });

  it('trap 28: looks at the ETag of servers that ignore conditions', async () => {
    const line = `ADD ${web.url}/ignores-conditions /x`;
    expect(await cached(line)).to.equal(false);
    web.requests.length = 0;
    expect(await cached(line)).to.equal(true);
    expect(web.requests).to.deep.equal(['HEAD /ignores-conditions']);
  });

  it('trap 28: fetches anew without an ETag, and finds the same content', async () => {
    const line = `ADD ${web.url}/plain /x`;
    expect([await cached(line), await cached(line)]).to.deep.equal([false, true]);
    expect(web.requests).to.deep.equal(['GET /plain', 'GET /plain']);
  });

  it('trap 28: --checksum is checked, and needs no server afterwards', async () => {
    const line = `ADD --checksum=${sha256('one')} ${web.url}/plain /x`;
    expect(await cached(line)).to.equal(false);
    web.requests.length = 0;
    expect(await cached(line)).to.equal(true);
    expect(web.requests).to.deep.equal([]);
    const error = await errorOf(() => build(`ADD --checksum=${sha256('two')} ${web.url}/plain /x`));
    expect(error).to.include({
      code: 'DIGEST_INVALID',
      message: `${web.url}/plain has the digest ${sha256('one')}, not ${sha256('two')}`,
    });
    expect(error.location).to.include({ line: 2 });
  });

  it('trap 25: a URL is not extracted unless --unpack says so', async () => {
    const plain = await build(`ADD ${web.url}/a.tar /x/`);
    expect(await sandbox.layer(plain.image, -1)).to.deep.equal(['d0755 0:0 x', '-0600 0:0 x/a.tar']);
    const unpacked = await build(`ADD --unpack ${web.url}/a.tar /x/`);
    expect(await sandbox.layer(unpacked.image, -1)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/in']);
  });

  it('takes --chown, --chmod, --link and variables', async () => {
    const lines = ['ARG name=plain', `ADD --chown=3:4 --chmod=755 --link ${web.url}/$name /x`];
    const { image } = await build(...lines);
    expect(await sandbox.layer(image, -1)).to.deep.equal(['-0755 3:4 x']);
  });

  it('follows redirects, and keeps the name that was written', async () => {
    const { image } = await build(`ADD ${web.url}/there /x/`);
    expect(await sandbox.layer(image, -1)).to.include('-0600 0:0 x/there');
  });

  it('sends the secret that is for the host, and to no other one', async () => {
    process.env.HAWSER_TEST_TOKEN = 'abc';
    const secrets = [{ id: 'HTTP_AUTH_TOKEN_127.0.0.1', env: 'HAWSER_TEST_TOKEN' }];
    const other = await WebServer.start((_, response) => response.end('other'));
    try {
      redirect = `${other.url}/f`.replace('127.0.0.1', 'localhost');
      const context = sandbox.context({ Dockerfile: `FROM scratch\nADD ${web.url}/elsewhere /x\n` });
      const { image } = await sandbox.build(context, { secrets });
      expect(await sandbox.fileIn(image, 'x')).to.equal('other');
      expect(web.requests).to.deep.equal(['GET /elsewhere Bearer abc']);
      expect(other.requests).to.deep.equal(['GET /f']);
    } finally {
      await other.stop();
      delete process.env.HAWSER_TEST_TOKEN;
    }
  });

  it('keeps a password out of messages', async () => {
    const url = web.url.replace('//', '//user:secret@');
    const error = await errorOf(() => build(`ADD ${url}/gone /x`));
    expect(error.message).to.contain('user:xxxxx@').and.contain('404').and.not.contain('secret');
    expect(web.requests[0]).to.contain('Basic');
  });

  const failures: [string, string, object][] = [
    ['an unknown path', '/gone', { code: 'DOWNLOAD_FAILED' }],
    ['a circle of redirects', '/circle', { code: 'DOWNLOAD_FAILED' }],
    ['an answer that breaks off', '/broken', { code: 'DOWNLOAD_FAILED' }],
  ];
  for (const [name, path, expected] of failures) {
    it(`fails for ${name}, at the word`, async () => {
      const error = await errorOf(() => build(`ADD ${web.url}${path} /x`));
      expect(error).to.include(expected);
      expect(error.location).to.include({ line: 2, column: 5 });
    });
  }

  const wrong: [string, string][] = [
    ['--checksum for several', 'ADD --checksum=sha256:00 http://127.0.0.1/a http://127.0.0.1/b /x/'],
    ['--checksum for a path', `ADD --checksum=${sha256('')} Dockerfile /x/`],
    ['a wrong --checksum', 'ADD --checksum=sha256:00 http://127.0.0.1/a /x/'],
    ['a wrong URL', 'ADD http://[/a /x/'],
  ];
  for (const [name, line] of wrong) {
    it(`refuses ${name} before anything is fetched`, async () => {
      expect(await errorOf(() => build(line))).to.include({ code: 'DOCKERFILE_INVALID' });
    });
  }

  it('names the server that does not answer', async () => {
    const closed = web.url;
    await web.stop();
    const error = await errorOf(() => build(`ADD ${closed}/a /x`));
    expect(error.code).to.equal('DOWNLOAD_FAILED');
    expect(error.message).to.contain('ECONNREFUSED');
    web = await WebServer.start(answer);
  });
});
