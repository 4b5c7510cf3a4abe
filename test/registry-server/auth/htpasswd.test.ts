import { writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { expect } from 'chai';
import { parseHtpasswd, withPassword } from '../../../src/registry-server/auth/htpasswd-file.ts';
import { createLogger } from '../../../src/registry-server/log/logger.ts';
import { codeOf, pushImage, TestRegistry } from '../support/registry.ts';

const cost = 4;
const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('registry-server: htpasswd', () => {
  let registry: TestRegistry;
  let file: string;
  const lines: string[] = [];
  const logger = createLogger({ format: 'text', level: 'debug', write: line => lines.push(line) });
  const users = async (entries: Readonly<Record<string, string>>) => {
    const hashed = await Promise.all(
      Object.entries(entries).map(async ([user, password]) => `${user}:${await hash(password, cost)}\n`),
    );
    await writeFile(file, hashed.join(''));
  };
  const status = async (headers: Record<string, string>, line = 'GET /v2/') =>
    (await registry.send(line, { headers })).status;

  beforeEach(async () => {
    registry = await TestRegistry.start();
    file = join(registry.folder, 'htpasswd');
    lines.length = 0;
    await users({ alice: 'secret', bob: 'other', ünïcode: 'pässwörd' });
    await registry.restart({
      auth: { kind: 'htpasswd', realm: 'a "realm"', path: file },
      logger,
      accessLog: true,
    });
  });
  afterEach(() => registry.dispose());

  const attempts: readonly (readonly [string, Record<string, string>, number])[] = [
    ['the right password', basic('alice', 'secret'), 200],
    ['another user with the right one', basic('bob', 'other'), 200],
    ['a name beyond ASCII', basic('ünïcode', 'pässwörd'), 200],
    ['a wrong password', basic('alice', 'Secret'), 401],
    ["somebody else's password", basic('alice', 'other'), 401],
    ['an unknown user', basic('eve', 'secret'), 401],
    ['an empty password', basic('alice', ''), 401],
    ['no user', basic('', 'secret'), 401],
    ['nothing', {}, 401],
    ['no colon', { Authorization: `Basic ${Buffer.from('alice').toString('base64')}` }, 401],
    ['no base64', { Authorization: 'Basic $$$' }, 401],
    ['another scheme', { Authorization: 'Bearer abc' }, 401],
    ['a name of a property', basic('__proto__', 'secret'), 401],
  ];
  for (const [what, headers, expected] of attempts) {
    it(`answers ${what} with ${expected}`, async () => {
      const got = await registry.send('GET /v2/', { headers });
      expect(got.status).to.equal(expected);
      if (expected === 200) return;
      expect(got.headers['www-authenticate']).to.equal('Basic realm="a \\"realm\\""');
      expect(codeOf(got)).to.equal('UNAUTHORIZED');
      expect(got.headers['docker-distribution-api-version']).to.equal('registry/2.0');
    });
  }

  it('lets a user do everything', async () => {
    const headers = basic('alice', 'secret');
    const body = '{"schemaVersion":2,"manifests":[]}';
    expect((await registry.send('PUT /v2/a/manifests/v1', { headers, body })).status).to.equal(201);
    for (const line of ['GET /v2/_catalog', 'GET /v2/a/tags/list', 'DELETE /v2/a/manifests/v1']) {
      expect(await status(headers, line)).to.be.oneOf([200, 202]);
    }
  });

  it('CVE-2025-23208: who is taken out of the file is out with the next request', async () => {
    expect(await status(basic('bob', 'other'))).to.equal(200);
    await users({ alice: 'new' });
    expect(await status(basic('bob', 'other'))).to.equal(401);
    expect(await status(basic('alice', 'secret'))).to.equal(401);
    expect(await status(basic('alice', 'new'))).to.equal(200);
    await rm(file);
    expect(await status(basic('alice', 'new'))).to.equal(200);
    expect(lines.join('\n')).to.contain('ENOENT');
  });

  it('CVE-2024-9683: no password passes for another one that is equal in its first 72 bytes', async () => {
    const long = 'x'.repeat(72);
    await users({ alice: `${long}1`, bob: long });
    for (const password of [`${long}1`, `${long}2`, `${long}\0`]) {
      expect(await status(basic('alice', password)), password).to.equal(401);
      expect(await status(basic('bob', password)), password).to.equal(401);
    }
    expect(await status(basic('bob', long))).to.equal(200);
    await users({ alice: 'short' });
    expect(await status(basic('alice', 'short\0tail'))).to.equal(401);
  });

  it('CVE-2025-48374: no password gets into the log', async () => {
    await status(basic('alice', 'secret'), 'GET /v2/_catalog');
    await status(basic('alice', 'wrong-secret'), 'GET /v2/_catalog');
    const log = lines.join('\n');
    expect(log).to.contain('_catalog');
    for (const secret of ['secret', Buffer.from('alice:secret').toString('base64'), '$2b$']) {
      expect(log).not.to.contain(secret);
    }
  });

  const withoutBody = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
  it('CVE-2024-41110: a request without a body or with an empty one is asked for credentials too', async () => {
    for (const method of withoutBody) {
      for (const path of [
        '/v2/',
        '/v2/_catalog',
        '/v2/a/manifests/v1',
        '/v2/a/blobs/uploads/',
        '/v2/a/tags/list',
      ]) {
        expect(await status({ 'Content-Length': '0' }, `${method} ${path}`), `${method} ${path}`).to.equal(
          401,
        );
      }
    }
  });

  it('takes only hashes of bcrypt, and says which are not', async () => {
    writeFileSync(
      file,
      `# a comment\n\nplain:secret\napache:$apr1$x$y\nalice:${await hash('secret', cost)}\nsha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n`,
    );
    expect(await status(basic('alice', 'secret'))).to.equal(200);
    for (const user of ['plain', 'apache', 'sha']) expect(await status(basic(user, 'secret'))).to.equal(401);
    for (const line of [3, 4, 6]) expect(lines.join('\n')).to.contain(`htpasswd:${line}: `);
  });

  it('takes what Apache writes: $2y$', async () => {
    const hashed = (await hash('secret', cost)).replace(/^\$2.\$/, '$2y$');
    writeFileSync(file, `alice:${hashed}\n`);
    expect(await status(basic('alice', 'secret'))).to.equal(200);
    expect(await status(basic('alice', 'wrong'))).to.equal(401);
  });

  it('makes a file that is missing, and tells its password once, as registry:2 does', async () => {
    const made = join(registry.folder, 'made');
    await registry.restart({ auth: { kind: 'htpasswd', realm: 'r', path: made }, logger });
    const password = /password=(?:"([^"]+)"|(\S+))/.exec(lines.join('\n'));
    expect(await status(basic('docker', password?.[1] ?? password?.[2] ?? ''))).to.equal(200);
    expect(await readFile(made, 'utf8')).to.match(/^docker:\$2b\$10\$/);
  });

  it('refuses a file that cannot be read', async () => {
    const path = registry.folder;
    const error = await registry
      .restart({ auth: { kind: 'htpasswd', realm: 'r', path } })
      .catch((e: Error) => e);
    expect(error).to.include({ code: 'REGISTRY_CONFIG_INVALID' });
    await registry.restart();
  });

  it('holds up no downloads while it compares', async () => {
    await registry.restart();
    await pushImage(registry.url, 'a', { tag: 'v1' });
    writeFileSync(file, `alice:${await hash('secret', 12)}\nbob:${await hash('other', cost)}\n`);
    await registry.restart({ auth: { kind: 'htpasswd', realm: 'r', path: file } });
    expect(await status(basic('bob', 'other'), 'GET /v2/a/manifests/v1')).to.equal(200);
    let isDone = false;
    const slow = status(basic('alice', 'wrong')).then(() => (isDone = true));
    for (let count = 0; count < 5; count++) {
      expect(await status(basic('bob', 'other'), 'GET /v2/a/manifests/v1')).to.equal(200);
    }
    expect(isDone).to.equal(false);
    await slow;
  });
});

describe('registry-server: htpasswd files', () => {
  it('are read line by line', () => {
    const text = '# c\r\n a:1 \n\nb:2:3\n:x\nno\nc:';
    expect(parseHtpasswd(text)).to.deep.equal([
      { user: 'a', hash: '1', line: 2 },
      { user: 'b', hash: '2:3', line: 4 },
      { user: 'c', hash: '', line: 7 },
    ]);
  });

  const changes: readonly (readonly [string, string, string | undefined, string])[] = [
    ['', 'a', '1', 'a:1\n'],
    ['a:0\nb:2\n', 'a', '1', 'a:1\nb:2\n'],
    ['a:0\nb:2', 'c', '3', 'a:0\nb:2\nc:3\n'],
    ['# x\n\na:0\na:9\n', 'a', '1', '# x\n\na:1\n'],
    ['a:0\nab:2\n', 'a', undefined, 'ab:2\n'],
    ['a:0\n', 'a', undefined, ''],
  ];
  for (const [before, user, hashed, after] of changes) {
    it(`${hashed === undefined ? 'remove' : 'set'} ${user} in ${JSON.stringify(before)}`, () => {
      expect(withPassword(before, user, hashed)).to.equal(after);
    });
  }
});
