import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const sha256 = (bytes: string | Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export interface FakeImage {
  readonly manifest: string;
  readonly config: Uint8Array;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** An image with this layer, all digests right; `change` then spoils the manifest. */
export function fakeImage(
  layer: Uint8Array,
  change: (manifest: Record<string, unknown>) => unknown = it => it,
): FakeImage {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
    }),
  );
  const descriptor = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  };
  return {
    manifest: JSON.stringify(change(manifest)),
    config,
    blobs: new Map([config, layer].map(bytes => [sha256(bytes), bytes])),
  };
}

/** A registry that says whatever a test wants: repository → image, whether it is a valid one or not. */
export class FakeRegistry {
  readonly images = new Map<string, FakeImage>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const [, repository = '', kind, name = ''] =
        /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
      const image = this.images.get(repository);
      const content = kind === 'manifests' ? image?.manifest : image?.blobs.get(name);
      if (request.url === '/v2/') response.end('{}');
      else if (content === undefined)
        response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}');
      else {
        const bytes = Buffer.from(content);
        const type = kind === 'manifests' ? manifestType : 'application/octet-stream';
        response.writeHead(200, { 'content-type': type, 'content-length': bytes.length });
        response.end(request.method === 'HEAD' ? undefined : bytes);
      }
    });
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
