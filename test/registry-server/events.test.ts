import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { configOfEnvironment } from '../../src/registry-server/config/load-config.ts';
import { optionsOfConfig } from '../../src/registry-server/config/options-of-config.ts';
import type { RegistryEvent } from '../../src/registry-server/events/event.ts';
import { pushImage, send, startOn, TestRegistry } from './support/registry.ts';

/** Somebody who takes events, or refuses them. */
class Receiver {
  readonly events: RegistryEvent[] = [];
  readonly requests: IncomingMessage[] = [];
  status = 200;
  readonly #server: Server;
  #changed: () => void = () => undefined;

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    this.requests.push(request);
    response.writeHead(this.status).end();
    if (this.status === 200) {
      this.events.push(...(JSON.parse(body.toString()) as { events: RegistryEvent[] }).events);
    }
    this.#changed();
  }

  async start(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as { port: number }).port;
  }

  /** Waits for the request or event after which `isThere` holds. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>(resolve => (this.#changed = resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('registry-server: notifications', () => {
  let registry: TestRegistry;
  let receiver: Receiver;
  let port: number;
  beforeEach(async () => {
    receiver = new Receiver();
    port = await receiver.start();
    registry = await TestRegistry.start();
  });
  afterEach(async () => {
    receiver.stop();
    await registry.dispose();
  });

  const configured = (more = '', events = '') => {
    const endpoint = `{name: test, url: "http://user:p%40ss@127.0.0.1:${port}/hook", threshold: 1, backoff: 10ms ${more}}`;
    const text = `version: 0.1\nstorage: inmemory\nnotifications: {${events} endpoints: [${endpoint}]}`;
    const { notifications = { endpoints: [], includeReferences: false } } = optionsOfConfig(
      configOfEnvironment(text, {}).config,
    );
    return { notifications };
  };
  const told = () =>
    receiver.events.map(({ action, target: { repository, tag, digest, fromRepository } }) =>
      [action, repository, tag, digest, fromRepository].filter(each => each !== undefined).join(' '),
    );
  const spooled = () =>
    readdirSync(registry.path('_hawser/events/test')).filter(name => name.endsWith('.json'));

  it('tell of everything that is done, in the format of registry:2', async () => {
    await registry.restart(configured(', headers: {X-Key: [a, b]}'));
    const image = await pushImage(registry.url, 'a/b', { tag: 'v1' });
    const headers = { 'User-Agent': 'test/1' };
    await registry.send(`POST /v2/c/blobs/uploads/?mount=${image.layer}&from=a/b`, { headers });
    await registry.send('GET /v2/a/b/manifests/v1');
    await registry.send('HEAD /v2/a/b/manifests/v1');
    await registry.send(`GET /v2/a/b/blobs/${image.layer}`);
    await registry.send('DELETE /v2/a/b/manifests/v1');
    await registry.send(`DELETE /v2/a/b/manifests/${image.manifest}`);
    await registry.send(`DELETE /v2/a/b/blobs/${image.layer}`);
    await receiver.until(() => receiver.events.length === 9);
    expect(told()).to.deep.equal([
      `push a/b ${image.config}`,
      `push a/b ${image.layer}`,
      `push a/b v1 ${image.manifest}`,
      `mount c ${image.layer} a/b`,
      `pull a/b v1 ${image.manifest}`,
      `pull a/b ${image.layer}`,
      'delete a/b v1',
      `delete a/b ${image.manifest}`,
      `delete a/b ${image.layer}`,
    ]);
    const [, , push, mount] = receiver.events;
    expect(push?.target).to.deep.equal({
      repository: 'a/b',
      mediaType: mediaTypes.ociManifest,
      digest: image.manifest,
      size: image.bytes.length,
      length: image.bytes.length,
      url: `${registry.url}/v2/a/b/manifests/${image.manifest}`,
      tag: 'v1',
    });
    expect(push?.source).to.deep.equal({ addr: registry.host, instanceID: push?.source.instanceID });
    expect(mount?.request).to.include({
      host: registry.host,
      method: 'POST',
      useragent: 'test/1',
      addr: '127.0.0.1',
    });
    expect(new Set(receiver.events.map(({ id }) => id)).size).to.equal(9);
    const sent = receiver.requests[0]?.headers;
    expect(sent).to.include({
      'content-type': 'application/vnd.docker.distribution.events.v2+json',
      authorization: `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
      'x-key': 'a, b',
    });
    await registry.close();
    expect(spooled()).to.deep.equal([]);
  });

  it('tell what a manifest names with includereferences, and one event for each tag', async () => {
    await registry.restart(configured('', 'events: {includereferences: true},'));
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.send(`PUT /v2/a/manifests/${image.manifest}?tag=x&tag=y`, { body: image.bytes });
    await receiver.until(() => receiver.events.length === 5);
    const { config, layers } = JSON.parse(image.bytes) as { config: object; layers: object[] };
    expect(receiver.events[2]?.target.references).to.deep.equal([config, ...layers]);
    expect(receiver.events.slice(3).map(({ target }) => target.tag)).to.deep.equal(['x', 'y']);
  });

  it('leave out what the endpoint ignores', async () => {
    const ignore = `, ignoredmediatypes: [application/octet-stream], ignore: {mediatypes: [${mediaTypes.ociIndex}], actions: [pull]}`;
    await registry.restart(configured(ignore));
    const index = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] });
    await registry.send('PUT /v2/a/manifests/index', { body: index });
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.send('GET /v2/a/manifests/v1');
    await registry.send(`DELETE /v2/a/manifests/${image.manifest}`);
    await receiver.until(() => receiver.events.length === 2);
    expect(told()).to.deep.equal([`push a v1 ${image.manifest}`, `delete a ${image.manifest}`]);
  });

  it('are tried again until they are taken, in order', async () => {
    receiver.status = 500;
    await registry.restart(configured());
    const body = '{"schemaVersion":2,"manifests":[]}';
    for (const tag of ['1', '2', '3']) await registry.send(`PUT /v2/a/manifests/${tag}`, { body });
    await receiver.until(() => receiver.requests.length >= 4);
    expect(receiver.events).to.deep.equal([]);
    receiver.status = 200;
    await receiver.until(() => receiver.events.length === 3);
    expect(told()).to.deep.equal(['1', '2', '3'].map(tag => `push a ${tag} ${digestOf(body)}`));
  });

  it('are kept over a restart, and hold up nobody meanwhile', async () => {
    receiver.stop();
    await registry.restart(configured());
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.close();
    expect(spooled().length).to.be.greaterThan(0);
    receiver = new Receiver();
    await receiver.start(port);
    await registry.restart(configured());
    await receiver.until(() => receiver.events.length === 3);
    expect(told()[2]).to.equal(`push a v1 ${image.manifest}`);
  });

  it('are sent once, by one of two servers on a volume', async () => {
    await registry.restart(configured());
    const other = await startOn(registry.root, configured());
    const body = '{"schemaVersion":2,"manifests":[]}';
    for (const tag of ['1', '2']) await send(other.url, `PUT /v2/a/manifests/${tag}`, { body });
    await registry.close();
    await other.close();
    await registry.restart(configured());
    await receiver.until(() => receiver.events.length >= 2);
    expect(told().sort()).to.deep.equal(['1', '2'].map(tag => `push a ${tag} ${digestOf(body)}`));
  });
});
