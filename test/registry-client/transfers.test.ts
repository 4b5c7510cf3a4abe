import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { copyImage } from '../../src/registry-client/copy.ts';
import { downloadBlob } from '../../src/registry-client/download.ts';
import { HostRules } from '../../src/registry-client/hosts/host-rules.ts';
import { Transport } from '../../src/registry-client/transport.ts';
import { uploadBlob } from '../../src/registry-client/upload.ts';
import { imageManifest, TestRegistry } from '../registry-server/support/registry.ts';
import { reply, type Script, ScriptedRegistry, type SeenRequest } from './support/scripted-registry.ts';

const bytes = randomBytes(300_000);
const digest = digestOf(bytes);
const descriptor = { mediaType: mediaTypes.ociLayer, digest, size: bytes.length };

describe('registry-client: transfers', () => {
  let running: ScriptedRegistry[] = [];
  let transport: Transport;
  beforeEach(() => {
    transport = new Transport({
      rules: HostRules.none(),
      env: {},
      credentials: async () => undefined,
    });
  });
  afterEach(async () => {
    transport.close();
    for (const registry of running) await registry.stop();
    running = [];
  });

  const serve = async (script: Script) => {
    const registry = await ScriptedRegistry.start(script);
    running.push(registry);
    return registry;
  };
  const failure = async (work: Promise<unknown>) => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (isHawserError(error)) return error.code;
    throw new Error(`no error: ${String(error)}`);
  };
  const pullScope = (domain: string) => ({ domain, path: 'team/app', actions: 'pull' }) as const;
  const pushScope = (domain: string) => ({ domain, path: 'team/app', actions: 'pull,push' }) as const;

  describe('downloads', () => {
    const download = async (host: string) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of downloadBlob(transport, descriptor, { scope: pullScope(host) }))
        chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    /** Sends what the answer's header promises up to `end`, then breaks the connection. */
    const breakAt = (response: ServerResponse, from: number, end: number) => {
      response.write(bytes.subarray(from, end), () => response.destroy());
    };
    const startOf = ({ headers }: SeenRequest) => Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);

    it('client trap #15: go on where the connection broke', async () => {
      const registry = await serve((seen, response) => {
        const start = startOf(seen);
        const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
        response.writeHead(start === 0 ? 200 : 206, {
          ...(start === 0 ? {} : range),
          'content-length': bytes.length - start,
        });
        if (start < 200_000) breakAt(response, start, start + 100_000);
        else response.end(bytes.subarray(start));
      });
      expect((await download(registry.host)).equals(bytes)).to.equal(true);
      const starts = registry.seen.map(startOf);
      expect(starts).to.deep.equal([...starts].sort((a, b) => a - b));
      expect(starts.length).to.be.above(1);
    });

    it('skip what they have where the registry sends all again', async () => {
      let left = 2;
      const registry = await serve((_, response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        if (left-- > 0) breakAt(response, 0, 100_000);
        else response.end(bytes);
      });
      expect((await download(registry.host)).equals(bytes)).to.equal(true);
    });

    it('client trap #15: refuse another part than the one asked for', async () => {
      const registry = await serve((seen, response) => {
        if (startOf(seen) === 0) {
          response.writeHead(200, { 'content-length': bytes.length });
          breakAt(response, 0, 100_000);
        } else {
          reply(response, 206, { 'content-range': `bytes 200000-299999/300000` }, bytes.subarray(200_000));
        }
      });
      expect(await failure(download(registry.host))).to.equal('REGISTRY_ERROR');
    });

    it('end with the error of a registry that knows no such range', async () => {
      const registry = await serve((seen, response) => {
        if (startOf(seen) > 0) return reply(response, 416);
        response.writeHead(200, { 'content-length': bytes.length });
        return breakAt(response, 0, 100_000);
      });
      expect(await failure(download(registry.host))).to.equal('RANGE_INVALID');
    });

    it('end where no byte comes any more', async () => {
      const registry = await serve((_, response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.flushHeaders();
        response.destroy();
      });
      expect(await failure(download(registry.host))).to.equal('REGISTRY_UNREACHABLE');
    });
  });

  describe('uploads', () => {
    const upload = (host: string, mountFrom: readonly string[] = [], known = true) =>
      uploadBlob(
        transport,
        {
          descriptor: known ? descriptor : Promise.resolve(descriptor),
          open: async function* () {
            for (let start = 0; start < bytes.length; start += 65_536)
              yield bytes.subarray(start, start + 65_536);
          },
        },
        { scope: pushScope(host), mountFrom },
      );
    const created = { 'docker-content-digest': digest };

    it('client trap #5: keep the query of the location, and add the digest to it', async () => {
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('HEAD')) reply(response, 404);
        else if (line.startsWith('POST')) reply(response, 202, { location: '/up/1?_state=a%2Bb%3D' });
        else reply(response, 201, created);
      });
      expect((await upload(registry.host)).outcome).to.equal('done');
      const put = new URL(registry.lines[2]?.slice(4) ?? '', 'http://x');
      expect([put.searchParams.get('_state'), put.searchParams.get('digest')]).to.deep.equal([
        'a+b=',
        digest,
      ]);
      expect(registry.seen[2]?.body.equals(bytes)).to.equal(true);
    });

    it('client trap #14: stream without Content-Range what is not known yet, and PUT its digest', async () => {
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
        else if (line.startsWith('PATCH')) reply(response, 202, { location: '/up/2', range: '0-299999' });
        else reply(response, 201, created);
      });
      await upload(registry.host, [], false);
      expect(registry.lines.map(line => line.replace(/\?.*/, ''))).to.deep.equal([
        'POST /v2/team/app/blobs/uploads/',
        'PATCH /up/1',
        'PUT /up/2',
      ]);
      expect(registry.seen[1]?.headers['content-range']).to.equal(undefined);
    });

    it('client trap #17: refuse a registry that stored something else', async () => {
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('HEAD')) reply(response, 404);
        else if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
        else reply(response, 201, { 'docker-content-digest': digestOf('else') });
      });
      expect(await failure(upload(registry.host))).to.equal('DIGEST_INVALID');
    });

    it('send nothing that is there', async () => {
      const registry = await serve((_, response) => reply(response, 200, { 'content-length': '300000' }));
      expect((await upload(registry.host)).outcome).to.equal('exists');
      expect(registry.lines).to.have.length(1);
    });

    it('end an upload that is refused with DELETE', async () => {
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
        else if (line.startsWith('PUT')) reply(response, 403);
        else reply(response, line.startsWith('DELETE') ? 204 : 404);
      });
      expect(await failure(upload(registry.host))).to.equal('DENIED');
      expect(registry.lines.at(-1)).to.equal('DELETE /up/1');
    });

    describe('mounts', () => {
      const mounting = (answer: (line: string, response: ServerResponse) => void) =>
        serve(({ line }, response) => {
          if (line.startsWith('HEAD')) reply(response, 404);
          else if (line.includes('mount=')) answer(line, response);
          else if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
          else reply(response, 201, created);
        });

      it('client trap #14: takes a blob from another repository', async () => {
        const registry = await mounting((_, response) => reply(response, 201, created));
        expect((await upload(registry.host, ['other/app'])).outcome).to.equal('mounted');
        expect(registry.lines[1]).to.equal(
          `POST /v2/team/app/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=other%2Fapp`,
        );
      });

      it('client trap #18: goes on with the upload that is opened instead', async () => {
        const registry = await mounting((_, response) => reply(response, 202, { location: '/up/9' }));
        expect((await upload(registry.host, ['other/app', 'third'])).outcome).to.equal('done');
        expect(registry.lines.slice(2).map(line => line.replace(/\?.*/, ''))).to.deep.equal(['PUT /up/9']);
      });

      for (const status of [401, 403, 404]) {
        it(`client trap #17: pushes without a mount after ${status}`, async () => {
          const registry = await mounting((_, response) => reply(response, status));
          expect((await upload(registry.host, ['other/app'])).outcome).to.equal('done');
        });
      }

      it('client trap #19: never asks for one without a repository to take it from', async () => {
        const registry = await mounting((_, response) => reply(response, 500));
        await upload(registry.host);
        expect(registry.lines.filter(line => line.includes('mount='))).to.deep.equal([]);
      });
    });

    /** Takes the first bytes of an upload, then breaks the connection; keeps them where `keeps` says so. */
    class BreakingRegistry {
      readonly parts: Buffer[] = [];
      #state = 0;
      #broken = false;

      answer(seen: SeenRequest, response: ServerResponse): void {
        const [method = '', path = ''] = seen.line.split(' ');
        if (method === 'HEAD') return reply(response, 404);
        if (method === 'POST') return reply(response, 202, { location: this.#location() });
        if (method === 'GET') {
          const size = Buffer.concat(this.parts).length;
          return reply(response, 204, { location: this.#location(), range: `0-${size - 1}` });
        }
        if (path.split('?')[0] !== `/up/${this.#state}`) return reply(response, 404);
        this.parts.push(seen.body);
        if (method === 'PATCH') return reply(response, 202, { location: this.#location() });
        const whole = digestOf(Buffer.concat(this.parts));
        return reply(response, whole === digest ? 201 : 400, { 'docker-content-digest': whole });
      }

      #location(): string {
        return `/up/${++this.#state}?_state=${this.#state}`;
      }

      /** @returns whether it has taken the request over */
      breaks(request: IncomingMessage, response: ServerResponse, keeps: number): boolean {
        if (this.#broken || request.method !== 'PUT') return false;
        this.#broken = true;
        this.parts.push(bytes.subarray(0, keeps));
        response.destroy();
        return true;
      }
    }

    const breaking = async (keeps: number) => {
      const state = new BreakingRegistry();
      const registry = await serve((seen, response, request) => {
        if (!state.breaks(request, response, keeps)) state.answer(seen, response);
      });
      return { registry, state };
    };

    it('client trap #4: ask what is there after a break, and go on with the newest location', async () => {
      const { registry, state } = await breaking(100_000);
      expect((await upload(registry.host)).outcome).to.equal('done');
      expect(registry.lines.map(line => line.replace(/[&?]digest=.*/, ''))).to.deep.equal([
        `HEAD /v2/team/app/blobs/${digest}`,
        'POST /v2/team/app/blobs/uploads/',
        'PUT /up/1?_state=1',
        'GET /up/1?_state=1',
        'PATCH /up/2?_state=2',
        'PUT /up/3?_state=3',
      ]);
      expect(Buffer.concat(state.parts).equals(bytes)).to.equal(true);
    });

    it('client trap #3: say the range of a chunk without its unit', async () => {
      const { registry } = await breaking(100_000);
      await upload(registry.host);
      const { headers = {} } = registry.seen.find(({ line }) => line.startsWith('PATCH')) ?? {};
      expect([headers['content-range'], headers['content-length']]).to.deep.equal([
        '100000-299999',
        '200000',
      ]);
    });

    it('only end what has arrived whole before the break', async () => {
      const { registry } = await breaking(bytes.length);
      await upload(registry.host);
      expect(registry.lines.at(-1)).to.contain('PUT /up/2?');
      expect(registry.seen.at(-1)?.body).to.have.length(0);
    });

    it('start again where nothing is left of it', async () => {
      let puts = 0;
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
        else if (!line.startsWith('PUT')) reply(response, 404);
        else if (puts++ === 0) response.destroy();
        else reply(response, 201, created);
      });
      expect((await upload(registry.host)).outcome).to.equal('done');
      expect(registry.lines.filter(line => line.startsWith('POST'))).to.have.length(2);
    });

    it('end after four tries without a byte', async () => {
      const registry = await serve(({ line }, response) => {
        if (line.startsWith('POST')) reply(response, 202, { location: '/up/1' });
        else reply(response, line.startsWith('PUT') ? 503 : 404);
      });
      expect(await failure(upload(registry.host))).to.equal('UNAVAILABLE');
      expect(registry.lines.filter(line => line.startsWith('PUT'))).to.have.length(4);
    });
  });

  describe('copies', () => {
    let source: TestRegistry;
    let target: TestRegistry;
    beforeEach(async () => {
      source = await TestRegistry.start();
      target = await TestRegistry.start();
    });
    afterEach(async () => {
      await source.dispose();
      await target.dispose();
    });

    const push = async (architecture: string) => {
      const { config, layer, manifest } = imageManifest(architecture);
      await source.pushBlob('team/app', config);
      await source.pushBlob('team/app', layer);
      return {
        digest: await source.pushManifest('team/app', architecture, manifest),
        size: JSON.stringify(manifest).length,
      };
    };
    const pushIndex = async () => {
      const manifests = [];
      for (const architecture of ['amd64', 'arm64']) {
        const pushed = await push(architecture);
        manifests.push({
          mediaType: mediaTypes.ociManifest,
          ...pushed,
          platform: { os: 'linux', architecture },
        });
      }
      return await source.pushManifest('team/app', '1', {
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests,
      });
    };
    const from = () => ({ domain: source.host, path: 'team/app', tag: '1' });

    it('bring an index over with all its images and the same digests', async () => {
      const index = await pushIndex();
      const to = { domain: target.host, path: 'copied/app', tag: '2' };
      expect((await copyImage(transport, { from: from(), to })).digest).to.equal(index);
      const answer = await target.send('GET /v2/copied/app/manifests/2', {
        headers: { accept: mediaTypes.ociIndex },
      });
      expect(digestOf(answer.body)).to.equal(index);
      for (const { digest: child } of (answer.json as { manifests: { digest: string }[] }).manifests) {
        expect((await target.send(`GET /v2/copied/app/manifests/${child}`)).status).to.equal(200);
      }
    });

    it('bring one platform over, and say which there are', async () => {
      await pushIndex();
      const to = { domain: target.host, path: 'copied/app', tag: 'arm' };
      const arm = { os: 'linux', architecture: 'arm64' };
      const { digest: copied } = await copyImage(transport, { from: from(), to, platform: arm });
      expect(
        (await target.send('HEAD /v2/copied/app/manifests/arm')).headers['docker-content-digest'],
      ).to.equal(copied);
      const wrong = copyImage(transport, {
        from: from(),
        to,
        platform: { os: 'linux', architecture: 's390x' },
      });
      expect(await failure(wrong)).to.equal('PLATFORM_UNAVAILABLE');
    });

    it('mount within a registry, and send nothing twice', async () => {
      await pushIndex();
      const states: string[][] = [[], []];
      for (const seen of states) {
        await copyImage(transport, {
          from: from(),
          to: { domain: source.host, path: 'other/app', tag: '1' },
          onProgress: ({ state }) => seen.push(state),
        });
      }
      expect(states.map(seen => new Set(seen))).to.deep.equal([
        new Set(['waiting', 'mounted']),
        new Set(['waiting', 'exists']),
      ]);
    });

    it('go to no digest', async () => {
      const to = { domain: target.host, path: 'a', digest };
      expect(await failure(copyImage(transport, { from: from(), to }))).to.equal('REFERENCE_INVALID');
    });
  });
});
