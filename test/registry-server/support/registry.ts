import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import type { RegistryOptions } from '../../../src/registry-server/registry-options.ts';
import { type RunningRegistry, startRegistry } from '../../../src/registry-server/start-registry.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: unknown;
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** An iterable is sent chunked. */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

/** One request, with the path exactly as given. */
export async function send(base: string, line: string, options: SendOptions = {}): Promise<Answer> {
  const [method = '', target = ''] = line.split(' ');
  const url = new URL(base);
  const path = target.startsWith('http') ? target.slice(new URL(target).origin.length) : target;
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      { host: url.hostname, port: url.port, method, path, headers: { ...options.headers }, agent: false },
      incoming => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const body = Buffer.concat(chunks);
          const isJson = /json/.test(incoming.headers['content-type'] ?? '');
          const json: unknown = isJson && body.length > 0 ? JSON.parse(body.toString()) : undefined;
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body, json });
        });
      },
    );
    outgoing.on('error', reject);
    sendBody(outgoing, options.body).catch((error: Error) => outgoing.destroy(error));
  });
}

async function sendBody(outgoing: ReturnType<typeof request>, body: SendOptions['body']): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    if (body !== undefined) outgoing.setHeader('Content-Length', Buffer.byteLength(body));
    outgoing.end(body);
    return;
  }
  let wake = () => {};
  outgoing.on('drain', () => wake()).on('close', () => wake());
  for await (const chunk of body) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await new Promise<void>(resolve => (wake = resolve));
  }
  outgoing.end();
}

/** The code of the first error in an error body. */
export function codeOf(answer: Answer): string | undefined {
  return (answer.json as { errors?: { code: string }[] } | undefined)?.errors?.[0]?.code;
}

/** A registry on a volume, on a free port of the loopback. */
export function startOn(root: string, options: Partial<RegistryOptions> = {}): Promise<RunningRegistry> {
  return startRegistry({ storage: { kind: 'filesystem', root }, host: '127.0.0.1', port: 0, ...options });
}

/** A registry on a volume in a temporary folder. */
export class TestRegistry {
  readonly folder: string;
  readonly root: string;
  #running: RunningRegistry;

  private constructor(folder: string, running: RunningRegistry) {
    this.folder = folder;
    this.root = join(folder, 'volume');
    this.#running = running;
  }

  static async start(options: Partial<RegistryOptions> = {}): Promise<TestRegistry> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-registry-'));
    return new TestRegistry(folder, await startOn(join(folder, 'volume'), options));
  }

  get url(): string {
    return this.#running.url;
  }

  get debugPort(): number {
    return this.#running.debugPort ?? 0;
  }

  get port(): number {
    return this.#running.port;
  }

  get host(): string {
    return `127.0.0.1:${this.#running.port}`;
  }

  /** The volume's `docker/registry/v2/<path>`. */
  path(path: string): string {
    return join(this.root, 'docker/registry/v2', path);
  }

  async send(line: string, options: SendOptions = {}): Promise<Answer> {
    return await send(this.url, line, options);
  }

  async pushBlob(
    name: string,
    content: Uint8Array | string,
    digest: string = digestOf(content),
  ): Promise<Digest> {
    await pushBlob(this.url, name, content, digest);
    return digest as Digest;
  }

  async pushManifest(name: string, reference: string, manifest: object): Promise<Digest> {
    return await pushManifest(this.url, name, { reference, manifest });
  }

  async close(): Promise<void> {
    await this.#running.close();
  }

  async restart(options: Partial<RegistryOptions> = {}): Promise<void> {
    await this.close();
    this.#running = await startOn(this.root, options);
  }

  async dispose(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** POST, then PUT of the whole blob. */
export async function pushBlob(
  url: string,
  name: string,
  content: Uint8Array | string,
  digest: string = digestOf(content),
): Promise<void> {
  const started = await send(url, `POST /v2/${name}/blobs/uploads/`);
  const location = started.headers.location ?? '';
  const ended = await send(url, `PUT ${location}${location.includes('?') ? '&' : '?'}digest=${digest}`, {
    body: content,
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  if (ended.status !== 201) throw new Error(`push of ${digest}: ${ended.status} ${ended.body.toString()}`);
}

export async function pushManifest(
  url: string,
  name: string,
  { reference, manifest }: { readonly reference: string; readonly manifest: object },
): Promise<Digest> {
  const body = JSON.stringify(manifest);
  const mediaType = (manifest as { mediaType?: string }).mediaType ?? mediaTypes.ociManifest;
  const answer = await send(url, `PUT /v2/${name}/manifests/${reference}`, {
    body,
    headers: { 'Content-Type': mediaType },
  });
  if (answer.status !== 201)
    throw new Error(`push of ${reference}: ${answer.status} ${answer.body.toString()}`);
  return digestOf(body);
}

export interface PushedImage {
  readonly config: Digest;
  readonly layer: Digest;
  readonly manifest: Digest;
  readonly bytes: string;
}

/** The smallest image: a config and one layer, both of them text. */
export function imageManifest(salt: string, extra: object = {}) {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
    salt,
  });
  const layer = `layer ${salt}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest as string,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length }],
    ...extra,
  };
  return { config, layer, manifest };
}

export async function pushImage(
  url: string,
  name: string,
  { tag, salt, extra }: { readonly tag: string; readonly salt?: string; readonly extra?: object },
): Promise<PushedImage> {
  const { config, layer, manifest } = imageManifest(salt ?? tag, extra);
  await pushBlob(url, name, config);
  await pushBlob(url, name, layer);
  const digest = await pushManifest(url, name, { reference: tag, manifest });
  return {
    config: digestOf(config),
    layer: digestOf(layer),
    manifest: digest,
    bytes: JSON.stringify(manifest),
  };
}

/** Whether a program is on this machine; says so when it is not, since the test is skipped then. */
export function isInstalled(program: string): boolean {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return true;
  console.log(`      skipped: ${program} is not installed`);
  return false;
}
