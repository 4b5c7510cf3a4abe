import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { parseReference } from '../../src/image/reference.ts';
import { HostRules } from '../../src/registry-client/hosts/host-rules.ts';
import { resolveRemote } from '../../src/registry-client/resolve.ts';
import { Transport } from '../../src/registry-client/transport.ts';
import { makeCertificate, type TestCertificate } from '../registry-server/support/certificates.ts';
import { imageManifest, TestRegistry } from '../registry-server/support/registry.ts';

describe('registry-client: TLS', () => {
  const home = process.env.HOME;
  let folder: string;
  let authority: TestCertificate;
  let server: TestCertificate;
  let client: TestCertificate;
  let registry: TestRegistry;
  let transport: Transport;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-client-tls-'));
    authority = makeCertificate(folder, 'ca', { isAuthority: true });
    server = makeCertificate(folder, 'server', { issuer: authority });
    client = makeCertificate(folder, 'client', { issuer: authority });
    process.env.HOME = folder;
  });
  after(() => {
    process.env.HOME = home;
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    transport = new Transport({
      rules: HostRules.none(),
      env: {},
      credentials: async () => undefined,
    });
  });
  afterEach(async () => {
    transport.close();
    await registry.dispose();
    rmSync(join(folder, '.config'), { recursive: true, force: true });
  });

  const start = async (more: object = {}) => {
    const { config, layer, manifest } = imageManifest('tls');
    registry = await TestRegistry.start();
    for (const blob of [config, layer]) await registry.pushBlob('app', blob);
    const digest = await registry.pushManifest('app', '1', manifest);
    await registry.restart({ tls: { certificate: server.certificate, key: server.key, ...more } });
    return digest;
  };
  /** Files for the registry in `certs.d`: name there → file. */
  const trust = (files: Readonly<Record<string, string>>) => {
    const target = join(folder, '.config/containers/certs.d', registry.host);
    mkdirSync(target, { recursive: true });
    for (const [name, path] of Object.entries(files)) copyFileSync(path, join(target, name));
  };
  const resolve = async () =>
    (await resolveRemote(transport, parseReference(`${registry.host}/app:1`))).digest;

  it('client trap #11: trusts the CAs of certs.d', async () => {
    const digest = await start();
    trust({ 'ca.crt': authority.certificate });
    expect(await resolve()).to.equal(digest);
  });

  it('client trap #11: shows the client certificate of certs.d', async () => {
    const digest = await start({ clientAuthorities: [authority.certificate] });
    trust({ 'ca.crt': authority.certificate, 'client.cert': client.certificate, 'client.key': client.key });
    expect(await resolve()).to.equal(digest);
  });

  it('client trap #16: takes any certificate on loopback, where no CA is given', async () => {
    const digest = await start();
    expect(await resolve()).to.equal(digest);
    // requests that begin while one finds out that TLS is spoken
    const again = new Transport({
      rules: HostRules.none(),
      env: {},
      credentials: async () => undefined,
    });
    const reference = parseReference(`${registry.host}/app:1`);
    const found = await Promise.all(Array.from({ length: 4 }, () => resolveRemote(again, reference)));
    again.close();
    expect(new Set(found.map(document => document.digest))).to.deep.equal(new Set([digest]));
  });

  it('refuses a certificate that the CA of certs.d has not signed', async () => {
    await start();
    trust({ 'ca.crt': makeCertificate(folder, 'other', { isAuthority: true }).certificate });
    const error: unknown = await resolve().catch((thrown: unknown) => thrown);
    expect(isHawserError(error, 'REGISTRY_UNREACHABLE')).to.equal(true);
  });
});
