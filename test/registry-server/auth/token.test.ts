import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { digestOf } from '../../../src/image/digest.ts';
import { verifyToken } from '../../../src/registry-server/auth/json-web-token.ts';
import { libtrustKeyID, readTrustedKeys } from '../../../src/registry-server/auth/trusted-keys.ts';
import { configOfEnvironment } from '../../../src/registry-server/config/load-config.ts';
import { optionsOfConfig } from '../../../src/registry-server/config/options-of-config.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { type Answer, codeOf, imageManifest, pushImage, TestRegistry } from '../support/registry.ts';
import { signToken, thumbprint, unsignedToken } from '../support/tokens.ts';

const service = 'registry.example';
const issuer = 'auth.example';
const seconds = () => Math.floor(Date.now() / 1000);

interface AccessEntry {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
  readonly class?: string;
}

const repository = (name: string, ...actions: string[]): AccessEntry => ({
  type: 'repository',
  name,
  actions,
});
const claims = (access: readonly AccessEntry[] = [], extra: object = {}) => ({
  iss: issuer,
  aud: service,
  sub: 'alice',
  exp: seconds() + 300,
  nbf: seconds() - 10,
  iat: seconds(),
  jti: 'x',
  access,
  ...extra,
});

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ec384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ec521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed: generateKeyPairSync('ed25519'),
};
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

describe('registry-server: tokens', () => {
  let registry: TestRegistry;
  let folder: string;
  let root: TestCertificate;
  let authority: TestCertificate;
  let leaf: TestCertificate;
  let auth: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-token-'));
    root = makeCertificate(folder, 'root', { isAuthority: true });
    authority = makeCertificate(folder, 'authority', { isAuthority: true, issuer: root });
    leaf = makeCertificate(folder, 'leaf', { issuer: authority });
    writeFileSync(
      join(folder, 'bundle.pem'),
      `# roots\n${readFileSync(root.certificate, 'utf8')}\n${readFileSync(makeCertificate(folder, 'other', { isAuthority: true }).certificate, 'utf8')}`,
    );
    const keys = Object.entries(pairs).map(([kid, { publicKey }]) => ({
      kid,
      ...publicKey.export({ format: 'jwk' }),
    }));
    const { kid: _, ...unnamed } = keys[0] ?? { kid: '' };
    writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [...keys, unnamed] }));
    auth = `{realm: "https://${issuer}/token", service: ${service}, issuer: ${issuer}, rootcertbundle: ${folder}/bundle.pem, jwks: ${folder}/jwks.json}`;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const configured = (text = auth, more = '') =>
    optionsOfConfig(
      configOfEnvironment(`version: 0.1\nstorage: inmemory\nauth: {token: ${text}}\n${more}`, {}).config,
    );
  const start = async (text = auth, more = '') => {
    const { auth: settings, push = {} } = configured(text, more);
    registry = await TestRegistry.start({ auth: settings, push });
  };
  beforeEach(() => start());
  afterEach(() => registry.dispose());

  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const tokenFor = (...access: AccessEntry[]) =>
    signToken({ alg: 'RS256', kid: 'rsa' }, claims(access), pairs.rsa.privateKey);
  const ask = (token: string, line = 'GET /v2/'): Promise<Answer> =>
    registry.send(line, { headers: bearer(token) });
  const status = async (token: string, line?: string) => (await ask(token, line)).status;

  const algorithms: readonly (readonly [string, keyof typeof pairs])[] = [
    ['RS256', 'rsa'],
    ['RS384', 'rsa'],
    ['RS512', 'rsa'],
    ['PS256', 'rsa'],
    ['PS384', 'rsa'],
    ['PS512', 'rsa'],
    ['ES256', 'ec256'],
    ['ES384', 'ec384'],
    ['ES512', 'ec521'],
    ['EdDSA', 'ed'],
  ];
  for (const [alg, kid] of algorithms) {
    it(`believes ${alg} of a key in the JWKS`, async () => {
      const token = signToken({ alg, kid }, claims(), pairs[kid].privateKey);
      expect(await status(token)).to.equal(200);
      const [head, body, tail = ''] = token.split('.');
      const swapped = tail.startsWith('A') ? 'B' : 'A';
      expect(await status(`${head}.${body}.${swapped}${tail.slice(1)}`)).to.equal(401);
    });
  }

  it('believes a key by its thumbprint, by its libtrust id, and by a chain of certificates', async () => {
    const sign = (header: object, key: KeyObject) => signToken({ alg: 'RS256', ...header }, claims(), key);
    expect(await status(sign({ kid: thumbprint(pairs.rsa.publicKey) }, pairs.rsa.privateKey))).to.equal(200);
    const { byID } = await readTrustedKeys({ rootcertbundle: `${folder}/bundle.pem`, jwks: '' });
    const id = [...byID].find(([, key]) => key.equals(createPublic(root)))?.[0];
    expect(id)
      .to.match(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/)
      .and.to.equal(libtrustKeyID(createPublic(root)));
    expect(await status(sign({ kid: id }, root.privateKey))).to.equal(200);
    expect(await status(sign({ x5c: [root.der] }, root.privateKey))).to.equal(200);
    expect(await status(sign({ x5c: [authority.der] }, authority.privateKey))).to.equal(200);
    expect(await status(sign({ x5c: [leaf.der, authority.der] }, leaf.privateKey))).to.equal(200);
    expect(await status(sign({ x5c: [leaf.der, authority.der, root.der] }, leaf.privateKey))).to.equal(200);
  });

  it('believes no chain that does not lead to a root, has ended, or goes over somebody who may not sign', async () => {
    const sign = (x5c: unknown, key: KeyObject) => signToken({ alg: 'RS256', x5c }, claims(), key);
    const outsider = makeCertificate(folder, 'outsider', { isAuthority: true });
    const theirs = makeCertificate(folder, 'theirs', { issuer: outsider });
    const expired = makeCertificate(folder, 'expired', { issuer: root, days: -1 });
    const byLeaf = makeCertificate(folder, 'by-leaf', { issuer: leaf });
    const namesake = makeCertificate(join(folder), 'root-namesake', { isAuthority: true });
    const cases: readonly (readonly [unknown, TestCertificate])[] = [
      [[leaf.der], leaf],
      [[theirs.der, outsider.der], theirs],
      [[expired.der], expired],
      [[byLeaf.der, leaf.der, authority.der], byLeaf],
      [[namesake.der, root.der], namesake],
      [[leaf.der, authority.der], theirs],
      [[], leaf],
      [leaf.der, leaf],
      [['x'], leaf],
      [Array.from({ length: 20 }, () => leaf.der), leaf],
    ];
    for (const [x5c, { privateKey }] of cases) {
      const got = await ask(sign(x5c, privateKey));
      expect(got.status).to.equal(401);
      expect(got.headers['www-authenticate']).to.contain('error="invalid_token"');
    }
  });

  it('CVE-2025-24976: a key inside the token is no more trusted for the name that it gives itself', async () => {
    const jwk = (kid: string) => ({ kid, ...stranger.publicKey.export({ format: 'jwk' }) });
    for (const kid of ['rsa', thumbprint(pairs.rsa.publicKey), libtrustKeyID(createPublic(root))]) {
      const header = { alg: 'RS256', kid, jwk: jwk(kid) };
      expect(await status(signToken(header, claims(), stranger.privateKey)), kid).to.equal(401);
    }
    const withChain = { alg: 'RS256', jwk: { ...jwk('x'), x5c: [leaf.der, authority.der] } };
    expect(await status(signToken(withChain, claims(), stranger.privateKey))).to.equal(401);
    const trusted = { alg: 'RS256', jwk: pairs.rsa.publicKey.export({ format: 'jwk' }) };
    expect(await status(signToken(trusted, claims(), pairs.rsa.privateKey))).to.equal(200);
  });

  it('believes no token that is signed by nobody, or with a public key as a secret', async () => {
    const header = { typ: 'JWT', kid: 'rsa' };
    for (const alg of ['none', 'None', 'HS256', 'RS1', '', undefined]) {
      for (const tail of ['', 'AAAA']) {
        expect(await status(unsignedToken({ ...header, alg }, claims(), tail))).to.equal(401);
      }
    }
    expect(await status(signToken({ alg: 'ES256', kid: 'rsa' }, claims(), pairs.ec256.privateKey))).to.equal(
      401,
    );
    expect(
      await status(signToken({ alg: 'ES384', kid: 'ec256' }, claims(), pairs.ec256.privateKey)),
    ).to.equal(401);
  });

  const wrongClaims: readonly (readonly [string, () => object, number])[] = [
    ['another issuer', () => ({ iss: 'other' }), 401],
    ['another service', () => ({ aud: 'other' }), 401],
    ['several services', () => ({ aud: ['other', service] }), 200],
    ['no service', () => ({ aud: undefined }), 401],
    ['an end long ago', () => ({ exp: seconds() - 61 }), 401],
    ['an end just now', () => ({ exp: seconds() - 10 }), 200],
    ['no end', () => ({ exp: undefined }), 401],
    ['an end that is a word', () => ({ exp: '99999999999' }), 401],
    ['a start to come', () => ({ nbf: seconds() + 90 }), 401],
    ['a start that a slow clock sees', () => ({ nbf: seconds() + 30 }), 200],
    ['no access', () => ({ access: undefined }), 200],
    ['access that is no list', () => ({ access: 'all' }), 200],
  ];
  for (const [what, extra, expected] of wrongClaims) {
    it(`answers a token with ${what} with ${expected}`, async () => {
      const token = signToken({ alg: 'RS256', kid: 'rsa' }, claims([], extra()), pairs.rsa.privateKey);
      expect(await status(token)).to.equal(expected);
    });
  }

  const digest = digestOf('x');
  const challenges: readonly (readonly [string, string | undefined])[] = [
    ['GET /v2/', undefined],
    ['GET /v2/a/b/manifests/v1', 'repository:a/b:pull'],
    ['HEAD /v2/a/b/manifests/v1', 'repository:a/b:pull'],
    ['PUT /v2/a/b/manifests/v1', 'repository:a/b:pull,push'],
    ['DELETE /v2/a/b/manifests/v1', 'repository:a/b:delete'],
    [`GET /v2/a/b/blobs/${digest}`, 'repository:a/b:pull'],
    [`DELETE /v2/a/b/blobs/${digest}`, 'repository:a/b:delete'],
    ['POST /v2/a/b/blobs/uploads/', 'repository:a/b:pull,push'],
    ['PATCH /v2/a/b/blobs/uploads/00000000-0000-4000-8000-000000000000', 'repository:a/b:pull,push'],
    ['DELETE /v2/a/b/blobs/uploads/00000000-0000-4000-8000-000000000000', 'repository:a/b:pull,push'],
    ['GET /v2/a/b/tags/list', 'repository:a/b:pull'],
    [`GET /v2/a/b/referrers/${digest}`, 'repository:a/b:pull'],
    ['GET /v2/_catalog', 'registry:catalog:*'],
  ];
  for (const [line, scope] of challenges) {
    it(`asks for ${scope ?? 'a token'} at ${line.slice(0, 40)}`, async () => {
      const got = await registry.send(line);
      expect([got.status, got.body.length > 0 ? codeOf(got) : 'UNAUTHORIZED']).to.deep.equal([
        401,
        'UNAUTHORIZED',
      ]);
      const expected = `Bearer realm="https://${issuer}/token",service="${service}"${scope === undefined ? '' : `,scope="${scope}"`}`;
      expect(got.headers['www-authenticate']).to.equal(expected);
      const little = await ask(tokenFor(repository('a/c', 'pull', 'push', 'delete')), line);
      if (scope === undefined) expect(little.status).to.equal(200);
      else expect(little.headers['www-authenticate']).to.equal(`${expected},error="insufficient_scope"`);
    });
  }

  it('CVE-2022-31670: a token for one repository opens no other, whatever the request', async () => {
    const token = tokenFor(repository('mine', '*'), repository('a', 'pull'), {
      ...repository('a/b', '*'),
      type: 'registry',
    });
    for (const [line, scope] of challenges) {
      if (scope === undefined) continue;
      expect(await status(token, line), line).to.equal(401);
    }
    for (const line of [
      'GET /v2/a/b/../mine/tags/list',
      'GET /v2/mine%2f..%2fa/b/tags/list',
      'GET /v2/mine/../a/b/tags/list',
    ]) {
      expect(await status(token, line), line).to.be.oneOf([400, 401, 404]);
    }
    expect(await status(token, 'GET /v2/mine/tags/list')).to.equal(404);
  });

  it('CVE-2024-39897: mounts only what the client may pull', async () => {
    await registry.restart();
    const { layer } = await pushImage(registry.url, 'private', { tag: 'v1' });
    await registry.restart({ auth: configured().auth });
    const push = repository('mine', 'pull', 'push');
    const line = `POST /v2/mine/blobs/uploads/?mount=${layer}`;
    expect(await status(tokenFor(push), `${line}&from=private`)).to.equal(202);
    expect(await status(tokenFor(push), line)).to.equal(202);
    expect(await status(tokenFor(push), `HEAD /v2/mine/blobs/${layer}`)).to.equal(404);
    expect(await status(tokenFor(push, repository('private', 'pull')), `${line}&from=private`)).to.equal(201);
    expect(await status(tokenFor(push), `HEAD /v2/mine/blobs/${layer}`)).to.equal(200);
  });

  it('lets a client see, push and delete what its token names', async () => {
    const { config, layer, manifest } = imageManifest('x');
    const headers = bearer(tokenFor(repository('a/b', 'pull', 'push')));
    for (const body of [config, layer]) {
      const line = `POST /v2/a/b/blobs/uploads/?digest=${digestOf(body)}`;
      expect((await registry.send(line, { headers, body })).status).to.equal(201);
    }
    const body = JSON.stringify(manifest);
    const put = await registry.send('PUT /v2/a/b/manifests/v1', { headers, body });
    expect(put.status).to.equal(201);
    const reader = tokenFor(repository('a/b', 'pull'));
    expect(await status(reader, 'GET /v2/a/b/manifests/v1')).to.equal(200);
    expect(await status(reader, 'DELETE /v2/a/b/manifests/v1')).to.equal(401);
    expect(await status(tokenFor(repository('a/b', 'delete')), 'DELETE /v2/a/b/manifests/v1')).to.equal(202);
    expect(
      await status(tokenFor({ type: 'registry', name: 'catalog', actions: ['*'] }), 'GET /v2/_catalog'),
    ).to.equal(200);
  });

  it('sends clients to the token server of the host that they asked', async () => {
    await registry.dispose();
    await start(
      `{service: ${service}, issuer: ${issuer}, jwks: ${folder}/jwks.json, autoredirect: true, autoredirectpath: /t}`,
    );
    const headers = { Host: 'r.example:5000', 'X-Forwarded-Proto': 'https' };
    const got = await registry.send('GET /v2/', { headers });
    expect(got.headers['www-authenticate']).to.equal(
      `Bearer realm="https://r.example:5000/t",service="${service}"`,
    );
  });

  it('holds pushes to the class that the token names', async () => {
    await registry.dispose();
    await start(auth, 'policy: {repository: {classes: [image]}}');
    const image = (name: string, extra: object) => {
      const { manifest } = imageManifest('x');
      const body = JSON.stringify({ ...manifest, ...extra });
      return (entry: AccessEntry) =>
        registry.send(`PUT /v2/${name}/manifests/v1`, { headers: bearer(tokenFor(entry)), body });
    };
    const entry = repository('a', 'pull', 'push');
    expect((await image('a', {})(entry)).status).to.equal(201);
    expect((await image('a', {})({ ...entry, class: 'plugin' })).status).to.equal(403);
    const plugin = { mediaType: 'application/vnd.docker.plugin.v1+json', digest, size: 1 };
    const refusedPlugin = await image('a', { config: plugin })({ ...entry, class: 'plugin' });
    expect([refusedPlugin.status, codeOf(refusedPlugin)]).to.deep.equal([403, 'DENIED']);
  });

  it('refuses files that are not what they should be', async () => {
    const error = async (text: string) => {
      const { auth: settings } = configured(`{realm: r, service: s, issuer: i, ${text}}`);
      return await registry.restart({ auth: settings }).catch((caught: Error) => caught);
    };
    writeFileSync(join(folder, 'empty'), '');
    for (const text of [
      `jwks: ${folder}/none`,
      `jwks: ${folder}/empty`,
      `rootcertbundle: ${folder}/empty`,
      `rootcertbundle: ${folder}`,
    ]) {
      expect(await error(text), text).to.include({ code: 'REGISTRY_CONFIG_INVALID' });
    }
    await registry.restart();
  });

  it('takes no nonsense for a token', async () => {
    const keys = await readTrustedKeys({
      rootcertbundle: `${folder}/bundle.pem`,
      jwks: `${folder}/jwks.json`,
    });
    const rules = { issuer, service, algorithms: ['RS256', 'ES256'] as const, keys, now: new Date() };
    const good = tokenFor();
    const part = fc.oneof(
      fc.string(),
      fc.json().map(json => Buffer.from(json).toString('base64url')),
    );
    const header = fc.record(
      {
        alg: fc.constantFrom('RS256', 'ES256'),
        kid: fc.oneof(fc.string(), fc.constant('rsa')),
        x5c: fc.anything(),
        jwk: fc.anything(),
      },
      { requiredKeys: ['alg'] },
    );
    const tokens = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 5 }).map(parts => parts.join('.')),
      header.map(
        value =>
          `${Buffer.from(JSON.stringify(value) ?? '{}').toString('base64url')}.${good.split('.').slice(1).join('.')}`,
      ),
      fc.nat(good.length - 1).map(at => good.slice(0, at)),
    );
    fc.assert(
      fc.property(
        tokens,
        token =>
          typeof verifyToken(token, rules) === 'string' ||
          token.split('.').slice(1).join() === good.split('.').slice(1).join(),
      ),
      { numRuns: 300 },
    );
    expect(verifyToken(good, rules)).to.be.an('object');
    expect(await status(`${good}${'x'.repeat(20_000)}`)).to.equal(401);
  });
});

function createPublic({ certificate }: TestCertificate): KeyObject {
  return new X509Certificate(readFileSync(certificate)).publicKey;
}
