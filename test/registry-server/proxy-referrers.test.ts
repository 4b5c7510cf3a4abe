import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { upstreamRegistry } from '../../src/cli/upstream-registry.ts';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { expireManifests } from '../../src/registry-server/proxy/start-expiring.ts';
import { FilesystemDriver } from '../../src/registry-server/storage/filesystem-driver.ts';
import { openVolume } from '../../src/registry-server/storage/volume.ts';
import { DockerRegistry } from './support/docker-registry.ts';
import { type Answer, codeOf, pushBlob, pushImage, pushManifest, TestRegistry } from './support/registry.ts';

const emptyJSON = '{}';

/** An artifact of `kind` that refers to an image. */
function artifactOf(subject: Digest, size: number, kind: string) {
  const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(emptyJSON), size: 2 };
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: kind,
    config: empty,
    layers: [empty],
    subject: { mediaType: mediaTypes.ociManifest, digest: subject, size },
  };
}

const listed = (answer: Answer) =>
  (answer.json as { readonly manifests: readonly Descriptor[] }).manifests.map(({ digest }) => digest);

describe('registry-server: referrers through a cache', function () {
  this.timeout(30_000);
  const closers: (() => unknown)[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-referrers-'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function cacheOf(remote: string): Promise<TestRegistry> {
    const settings = { ttl: 0, patience: 1000 };
    const upstream = upstreamRegistry({ remote: new URL(remote), credentials: undefined, ...settings });
    const registry = await TestRegistry.start({ proxy: { upstream, ...settings } });
    closers.push(
      () => upstream.close(),
      () => registry.dispose(),
    );
    return registry;
  }

  /** An upstream that answers by a function. */
  async function fake(
    answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  ): Promise<string> {
    const server: Server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** An image with two artifacts, listed by upstream's API or under the tag of the schema. */
  async function fill(url: string, hasAPI: boolean) {
    const image = await pushImage(url, 'app', { tag: 'v1' });
    await pushBlob(url, 'app', emptyJSON);
    const artifacts = ['test/signature', 'test/sbom'].map(kind =>
      artifactOf(image.manifest, image.bytes.length, kind),
    );
    const digests: Digest[] = [];
    for (const manifest of artifacts) {
      const digest = digestOf(JSON.stringify(manifest));
      digests.push(await pushManifest(url, 'app', { reference: digest, manifest }));
    }
    if (hasAPI) return { subject: image.manifest, signature: digests[0], all: digests.toSorted() };
    const manifests = artifacts.map(({ mediaType, artifactType }, index) => ({
      mediaType,
      artifactType,
      digest: digests[index],
      size: JSON.stringify(artifacts[index]).length,
    }));
    const reference = image.manifest.replace(':', '-');
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
    await pushManifest(url, 'app', { reference, manifest });
    return { subject: image.manifest, signature: digests[0], all: digests.toSorted() };
  }

  const upstreams: Readonly<Record<string, () => Promise<{ url: string; stop: () => Promise<void> }>>> = {
    hawser: async () => {
      const registry = await TestRegistry.start();
      closers.push(() => registry.dispose());
      return { url: registry.url, stop: () => registry.close() };
    },
    'docker-registry': async () => {
      const registry = await DockerRegistry.start(join(folder, 'volume'), folder);
      closers.push(() => registry.stop());
      return { url: registry.url, stop: () => registry.stop() };
    },
  };
  for (const [kind, start] of Object.entries(upstreams)) {
    it(`lists those of ${kind}, also once it is away`, async () => {
      const upstream = await start();
      const { subject, signature, all } = await fill(upstream.url, kind === 'hawser');
      const registry = await cacheOf(upstream.url);
      const line = `GET /v2/app/referrers/${subject}`;
      const check = async () => {
        const answer = await registry.send(line);
        expect([answer.status, answer.headers['content-type']]).to.deep.equal([200, mediaTypes.ociIndex]);
        expect(listed(answer)).to.deep.equal(all);
        const filtered = await registry.send(`${line}?artifactType=test%2Fsignature`);
        expect(filtered.headers['oci-filters-applied']).to.equal('artifactType');
        expect(listed(filtered)).to.deep.equal([signature]);
      };
      await check();
      expect((await registry.send(`GET /v2/app/manifests/${signature}`)).status).to.equal(200);
      await upstream.stop();
      await check();
      const other = await registry.send(`GET /v2/app/referrers/${digestOf('never asked for')}`);
      expect([other.status, codeOf(other)]).to.deep.equal([503, 'UNAVAILABLE']);
    });
  }

  it('tells of what is new, and of what is gone', async () => {
    const upstream = await TestRegistry.start();
    closers.push(() => upstream.dispose());
    const { subject, all } = await fill(upstream.url, true);
    const registry = await cacheOf(upstream.url);
    const list = async () => listed(await registry.send(`GET /v2/app/referrers/${subject}`));
    expect(await list()).to.deep.equal(all);
    await upstream.send(`DELETE /v2/app/manifests/${all[0]}`);
    expect(await list()).to.deep.equal([all[1]]);
    await upstream.send(`DELETE /v2/app/manifests/${all[1]}`);
    expect(await list()).to.deep.equal([]);
  });

  it('remembers that a manifest which is here has none, and notes nothing of others', async () => {
    const upstream = await TestRegistry.start();
    closers.push(() => upstream.dispose());
    const image = await pushImage(upstream.url, 'app', { tag: 'v1' });
    const registry = await cacheOf(upstream.url);
    await registry.send('GET /v2/app/manifests/v1');
    const lines = [image.manifest, digestOf('made up')].map(digest => `GET /v2/app/referrers/${digest}`);
    for (const line of lines) expect(listed(await registry.send(line))).to.deep.equal([]);
    await upstream.close();
    const statuses = [];
    for (const line of lines) statuses.push((await registry.send(line)).status);
    expect(statuses).to.deep.equal([200, 503]);
  });

  it('forgets lists that are older than they may be', async () => {
    const upstream = await TestRegistry.start();
    closers.push(() => upstream.dispose());
    const { subject } = await fill(upstream.url, true);
    const registry = await cacheOf(upstream.url);
    await registry.send(`GET /v2/app/referrers/${subject}`);
    const volume = openVolume(new FilesystemDriver(registry.root));
    expect(await volume.knownReferrers.get('app' as never, subject)).to.have.length(2);
    await expireManifests({ volume, garbage: undefined }, -1000);
    expect(await volume.knownReferrers.get('app' as never, subject)).to.equal(undefined);
  });

  it('follows the pages of a list, but to no other host and not for ever', async () => {
    const subject = digestOf('subject');
    const page = (text: string) => ({ mediaType: mediaTypes.ociManifest, digest: digestOf(text), size: 1 });
    let next: (page: number) => string | undefined = () => undefined;
    let count = 0;
    const url = await fake((request, response) => {
      count++;
      const number = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? '1');
      const target = next(number);
      response.setHeader('Content-Type', mediaTypes.ociIndex);
      if (target !== undefined) response.setHeader('Link', `<${target}>; rel="next"`);
      const manifests = [page(String(number))];
      response.end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
    });
    const registry = await cacheOf(url);
    const line = `GET /v2/app/referrers/${subject}`;
    next = number => (number < 3 ? `/v2/app/referrers/${subject}?page=${number + 1}` : undefined);
    const all = ['1', '2', '3'].map(text => digestOf(text)).toSorted();
    expect(listed(await registry.send(line))).to.deep.equal(all);
    next = () => `http://127.0.0.2:1/v2/app/referrers/${subject}?page=2`;
    // What was told last stands, since this is no answer.
    expect(listed(await registry.send(line))).to.deep.equal(all);
    next = number => `/v2/app/referrers/${subject}?page=${number + 1}`;
    count = 0;
    expect(listed(await registry.send(line))).to.deep.equal(all);
    expect(count).to.be.within(2, 1000);
  });

  it('takes no list for one that is none', async () => {
    const url = await fake((_, response) => {
      response.setHeader('Content-Type', mediaTypes.ociIndex);
      response.end('{"manifests": 1}');
    });
    const registry = await cacheOf(url);
    const answer = await registry.send(`GET /v2/app/referrers/${digestOf('subject')}`);
    expect([answer.status, codeOf(answer)]).to.deep.equal([503, 'UNAVAILABLE']);
  });
});
