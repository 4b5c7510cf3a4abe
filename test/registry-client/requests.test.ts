import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { parseReference } from '../../src/image/reference.ts';
import { checkLogin } from '../../src/registry-client/check-login.ts';
import type { Credentials } from '../../src/registry-client/credentials.ts';
import { registryUrl } from '../../src/registry-client/endpoint.ts';
import { HostRules } from '../../src/registry-client/hosts/host-rules.ts';
import { resolveRemote } from '../../src/registry-client/resolve.ts';
import { Transport } from '../../src/registry-client/transport.ts';
import { reply, type Script, ScriptedRegistry } from './support/scripted-registry.ts';

const noRules = HostRules.none();
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 },
  layers: [],
});
const sendManifest = (response: ServerResponse, type: string = mediaTypes.ociManifest, body = manifest) =>
  reply(response, 200, { 'content-type': type, 'docker-content-digest': digestOf(body) }, body);

describe('registry-client: requests', () => {
  let running: ScriptedRegistry[] = [];
  let transports: Transport[] = [];
  afterEach(async () => {
    for (const transport of transports) transport.close();
    for (const registry of running) await registry.stop();
    running = [];
    transports = [];
  });

  const serve = async (script: Script) => {
    const registry = await ScriptedRegistry.start(script);
    running.push(registry);
    return registry;
  };
  const connect = (credentials?: Credentials, rules = noRules) => {
    const transport = new Transport({ rules, env: {}, credentials: async () => credentials });
    transports.push(transport);
    return transport;
  };
  const resolve = async (host: string, transport = connect(), name = 'team/app:1') =>
    (await resolveRemote(transport, parseReference(`${host}/${name}`))).digest;
  const failure = async (work: Promise<unknown>) => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (isHawserError(error)) return error;
    throw new Error(`no error: ${String(error)}`);
  };
  const alice = { kind: 'password', username: 'alice', password: 'secret' } as const;
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

  it('client trap #1: accepts all four kinds of manifest by name', async () => {
    const { host, seen } = await serve((_, response) => sendManifest(response));
    await resolve(host);
    expect(seen[0]?.headers.accept?.split(', ')).to.have.members([
      mediaTypes.ociIndex,
      mediaTypes.ociManifest,
      mediaTypes.dockerManifest,
      mediaTypes.dockerManifestList,
    ]);
  });

  it('client trap #2: refuses a manifest that says another type than its header', async () => {
    const { host } = await serve((_, response) => sendManifest(response, mediaTypes.dockerManifest));
    expect((await failure(resolve(host))).code).to.equal('MANIFEST_INVALID');
  });

  it('refuses content that is not what its digest says', async () => {
    const { host } = await serve((_, response) =>
      reply(response, 200, { 'content-type': mediaTypes.ociManifest }, manifest),
    );
    const name = `team/app@${digestOf('another')}`;
    expect((await failure(resolve(host, connect(), name))).code).to.equal('DIGEST_INVALID');
    expect(await resolve(host)).to.equal(digestOf(manifest));
  });

  it('client trap #17: does without Docker-Content-Digest and Content-Length', async () => {
    const { host } = await serve((_, response) =>
      response.writeHead(200, { 'content-type': mediaTypes.ociManifest }).end(manifest),
    );
    expect(await resolve(host)).to.equal(digestOf(manifest));
  });

  it('client trap #20: reads no manifest over the limit', async () => {
    const body = JSON.stringify({ ...JSON.parse(manifest), annotations: { a: 'x'.repeat(5 << 20) } });
    const { host } = await serve((_, response) => sendManifest(response, mediaTypes.ociManifest, body));
    expect((await failure(resolve(host))).code).to.equal('SIZE_INVALID');
  });

  it("client trap #12: finds Docker Hub's official images where they are", () => {
    const { domain, path } = parseReference('nginx');
    expect(`${registryUrl(domain, 'https').href}v2/${path}`).to.equal(
      'https://registry-1.docker.io/v2/library/nginx',
    );
  });

  it('client trap #6: follows a redirect without Authorization', async () => {
    const storage = await serve((_, response) => sendManifest(response));
    const { host } = await serve(({ headers }, response) => {
      if (headers.authorization === undefined)
        reply(response, 401, { 'www-authenticate': 'Basic realm="x"' });
      else reply(response, 307, { location: `http://${storage.host}/bucket/key?signature=a%2Fb` });
    });
    expect(await resolve(host, connect(alice))).to.equal(digestOf(manifest));
    expect(storage.lines).to.deep.equal(['GET /bucket/key?signature=a%2Fb']);
    expect(storage.seen[0]?.headers.authorization).to.equal(undefined);
  });

  describe('credentials', () => {
    const tokenServer = (answer: object) =>
      serve((_, response) => reply(response, 200, {}, JSON.stringify(answer)));
    const guarded = (realm: string, token = 't') =>
      serve(({ headers }, response) => {
        if (headers.authorization === `Bearer ${token}`) return sendManifest(response);
        const challenge = `Bearer realm="${realm}",service="r.example",scope="repository:team/app:pull"`;
        return reply(response, 401, { 'www-authenticate': challenge });
      });

    for (const field of ['token', 'access_token']) {
      it(`client trap #13: asks for a token and reads it from ${field}`, async () => {
        const tokens = await tokenServer({ [field]: 't' });
        const { host } = await guarded(`http://${tokens.host}/token`);
        expect(await resolve(host, connect(alice))).to.equal(digestOf(manifest));
        expect(tokens.lines).to.deep.equal([
          'GET /token?service=r.example&scope=repository%3Ateam%2Fapp%3Apull',
        ]);
        expect(tokens.seen[0]?.headers.authorization).to.equal(basic);
      });
    }

    it('asks for a token without credentials where there are none', async () => {
      const tokens = await tokenServer({ token: 't' });
      const { host } = await guarded(`http://${tokens.host}/token`);
      await resolve(host);
      expect(tokens.seen[0]?.headers.authorization).to.equal(undefined);
    });

    it('client trap #7: trades an identity token in for an access token', async () => {
      const tokens = await tokenServer({ access_token: 't' });
      const { host } = await guarded(`http://${tokens.host}/token`);
      await resolve(host, connect({ kind: 'identity-token', token: 'refresh' }));
      const [request] = tokens.seen;
      expect(request?.line).to.equal('POST /token');
      expect(Object.fromEntries(new URLSearchParams(request?.body.toString()))).to.deep.equal({
        grant_type: 'refresh_token',
        refresh_token: 'refresh',
        service: 'r.example',
        scope: 'repository:team/app:pull',
        client_id: 'hawser',
      });
    });

    it('client trap #19: takes no realm that is not http', async () => {
      const { host } = await guarded('file:///etc/passwd');
      expect((await failure(resolve(host, connect(alice)))).message).to.contain('names no token server');
    });

    it('client trap #19: reads no endless answer of a token server', async () => {
      const tokens = await serve((_, response) => reply(response, 200, {}, 'x'.repeat(70_000)));
      const { host } = await guarded(`http://${tokens.host}/token`);
      expect((await failure(resolve(host, connect(alice)))).code).to.equal('SIZE_INVALID');
    });

    it('says when a password is refused, and does not send it twice', async () => {
      const { host, lines, seen } = await serve((_, response) =>
        reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
      );
      expect((await failure(resolve(host, connect(alice)))).code).to.equal('UNAUTHORIZED');
      expect(seen.map(({ headers }) => headers.authorization)).to.deep.equal([undefined, basic]);
      expect(lines).to.have.length(0);
    });

    it('serves requests that are refused at the same time with one password', async () => {
      const { host } = await serve(({ headers }, response) => {
        if (headers.authorization === basic) sendManifest(response);
        else setTimeout(() => reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }), 5);
      });
      const transport = connect(alice);
      const digests = await Promise.all(Array.from({ length: 8 }, () => resolve(host, transport)));
      expect(new Set(digests)).to.deep.equal(new Set([digestOf(manifest)]));
    });

    it('client trap #13: tries a login with GET /v2/', async () => {
      const registry = await serve(({ headers }, response) => {
        if (headers.authorization === basic) reply(response, 200);
        else reply(response, 401, { 'www-authenticate': 'Basic realm="x"' });
      });
      await checkLogin(registry.host, alice, { rules: noRules, env: {} });
      expect(registry.lines).to.deep.equal(['GET /v2/', 'GET /v2/']);
      const wrong = { ...alice, password: 'wrong' };
      const error = await failure(checkLogin(registry.host, wrong, { rules: noRules, env: {} }));
      expect([error.code, error.remedy]).to.deep.equal(['UNAUTHORIZED', 'Check user and password.']);
    });
  });

  describe('a login at a token server', () => {
    for (const [what, answer, kept] of [
      ['hands out a refresh token', { token: 't', refresh_token: 'keep me' }, 'keep me'],
      ['hands out none', { token: 't' }, undefined],
      ['hands out an empty one', { token: 't', refresh_token: '' }, undefined],
    ] as const) {
      it(`asks for what can be kept in the password's place, of one that ${what}`, async () => {
        const tokens = await serve((_, response) => reply(response, 200, {}, JSON.stringify(answer)));
        const { host } = await serve(({ headers }, response) => {
          if (headers.authorization === 'Bearer t') return reply(response, 200);
          const challenge = `Bearer realm="http://${tokens.host}/token",service="r.example"`;
          return reply(response, 401, { 'www-authenticate': challenge });
        });
        expect(await checkLogin(host, alice, { rules: noRules, env: {} })).to.equal(kept);
        expect(tokens.lines).to.deep.equal([
          'GET /token?service=r.example&account=alice&client_id=hawser&offline_token=true',
        ]);
        expect(tokens.seen[0]?.headers.authorization).to.equal(basic);
      });
    }

    it('keeps no token where the registry goes by passwords', async () => {
      const { host } = await serve(({ headers }, response) =>
        headers.authorization === basic
          ? reply(response, 200)
          : reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
      );
      expect(await checkLogin(host, alice, { rules: noRules, env: {} })).to.equal(undefined);
    });
  });

  describe('retries', () => {
    const failing = (status: number, headers: Readonly<Record<string, string>> = {}, times = 1) => {
      let left = times;
      return serve((_, response) => (left-- > 0 ? reply(response, status, headers) : sendManifest(response)));
    };

    for (const status of [429, 500, 502, 503, 504]) {
      it(`asks again after ${status}`, async () => {
        const registry = await failing(status);
        expect(await resolve(registry.host)).to.equal(digestOf(manifest));
        expect(registry.lines).to.have.length(2);
      });
    }
    for (const status of [400, 403, 404, 501]) {
      it(`does not ask again after ${status}`, async () => {
        const registry = await failing(status);
        await failure(resolve(registry.host));
        expect(registry.lines).to.have.length(1);
      });
    }
    it('ends after four tries', async () => {
      const registry = await failing(503, {}, 9);
      expect((await failure(resolve(registry.host))).code).to.equal('UNAVAILABLE');
      expect(registry.lines).to.have.length(4);
    });
    for (const [what, after] of [
      ['seconds', () => '1'],
      ['a date', () => new Date(Date.now() + 2000).toUTCString()],
    ] as const) {
      it(`waits as long as Retry-After says in ${what}`, async () => {
        const registry = await failing(429, { 'retry-after': after() });
        const started = Date.now();
        await resolve(registry.host);
        // the pause without it would end within 250 ms
        expect(Date.now() - started).to.be.above(500);
      });
    }
    it('asks again after a connection that broke', async () => {
      let left = 1;
      const registry = await serve((_, response) =>
        left-- > 0 ? response.destroy() : sendManifest(response),
      );
      // http on loopback that is no HTTP might be TLS: that is tried in between
      expect(await resolve(registry.host)).to.equal(digestOf(manifest));
    });
  });

  describe('mirrors', () => {
    const rulesFor = (host: string, mirrors: readonly string[]) =>
      new HostRules({ insecure: [], mirrors: [] }, [
        {
          prefix: host,
          location: undefined,
          insecure: false,
          blocked: false,
          mirrors: mirrors.map(location => ({ location, insecure: false, use: 'all' as const })),
        },
      ]);

    it('are asked first, in their order, under their own paths', async () => {
      const empty = await serve((_, response) => reply(response, 404));
      const full = await serve((_, response) => sendManifest(response));
      const own = await serve((_, response) => sendManifest(response));
      const rules = rulesFor(own.host, [`${empty.host}/copies`, full.host]);
      expect(await resolve(own.host, connect(undefined, rules))).to.equal(digestOf(manifest));
      expect([empty.lines, full.lines, own.lines]).to.deep.equal([
        ['GET /v2/copies/team/app/manifests/1'],
        ['GET /v2/team/app/manifests/1'],
        [],
      ]);
    });

    it('that fail are no error, and those that are gone are asked once', async () => {
      const broken = await serve((_, response) => reply(response, 500));
      const own = await serve((_, response) => sendManifest(response));
      const transport = connect(undefined, rulesFor(own.host, ['127.0.0.1:1', broken.host]));
      await resolve(own.host, transport);
      await resolve(own.host, transport);
      expect([broken.lines.length, own.lines.length]).to.deep.equal([2, 2]);
    });

    it('do not get the credentials of the registry', async () => {
      const asked: string[] = [];
      const mirror = await serve((_, response) =>
        reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
      );
      const own = await serve((_, response) => sendManifest(response));
      const transport = new Transport({
        rules: rulesFor(own.host, [mirror.host]),
        env: {},
        credentials: async domain => {
          asked.push(domain);
          return undefined;
        },
      });
      transports.push(transport);
      await resolve(own.host, transport);
      expect(asked).to.deep.equal([mirror.host]);
    });
  });
});
