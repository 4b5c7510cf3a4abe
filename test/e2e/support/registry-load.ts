import { randomBytes, randomInt } from 'node:crypto';
import { type Digest, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import { type Answer, send } from '../../registry-server/support/registry.ts';

const repositories = ['load/one', 'load/two'];
const tagsOfEach = 4;
/** Layers that all clients share. */
const bases = Array.from({ length: 6 }, (_, index) => Buffer.alloc(20_000, `base layer ${index} `));
/** How often a client pushes again what a collector took before its manifest. */
const ATTEMPTS = 8;

/** An image as a client pushed it. */
interface LoadImage {
  readonly body: string;
  readonly digest: Digest;
  readonly blobs: readonly Buffer[];
}

/** What a tag may name: one image or nothing; two of these while it is not known whether a request was done. */
type TagState = readonly (LoadImage | undefined)[];

export class LoadError extends Error {}

/**
 * One of many clients of a registry that push, retag and delete images which share layers. It has tags of its own in
 * repositories that all share, and knows what each of them must name.
 */
export class LoadClient {
  readonly #id: number;
  /** By `repository:tag`. */
  readonly #tags = new Map<string, TagState>();
  acknowledged = 0;
  retried = 0;

  constructor(id: number) {
    this.#id = id;
  }

  /** Goes on until `isOver`; the connection may break at any moment. */
  async run(url: string, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const repository = repositories[randomInt(repositories.length)] ?? '';
      const tag = this.#tag();
      const dice = randomInt(10);
      if (dice < 5) await this.#push(url, repository, tag);
      else if (dice < 7) await this.#retag(url, repository, tag);
      else if (dice < 9) await this.#deleteManifest(url, repository, tag);
      else await this.#deleteTag(url, repository, tag);
      this.acknowledged++;
    }
  }

  /** Compares every tag with what it may name; what is there is what it names from now on. */
  async check(url: string): Promise<void> {
    for (const [key, states] of this.#tags) {
      const [repository = '', tag = ''] = key.split(':');
      const answer = await get(url, `${repository}/manifests/${tag}`);
      const found = states.find(state =>
        state === undefined ? answer.status === 404 : answer.body.toString() === state.body,
      );
      if (found === undefined && answer.status !== 404) {
        throw new LoadError(`${key}: ${answer.status} ${answer.body.toString().slice(0, 200)}`);
      }
      if (found === undefined && !states.includes(undefined)) throw new LoadError(`${key} is lost`);
      this.#tags.set(key, [found]);
      for (const blob of found?.blobs ?? []) {
        const got = await get(url, `${repository}/blobs/${digestOf(blob)}`);
        if (!got.body.equals(blob)) throw new LoadError(`${key}: blob ${digestOf(blob)}: ${got.status}`);
      }
    }
  }

  /** The digests of all that must be stored for this client. */
  *digests(): Generator<Digest> {
    for (const [image] of this.#tags.values()) {
      if (image === undefined) continue;
      yield image.digest;
      yield* image.blobs.map(blob => digestOf(blob));
    }
  }

  #tag(): string {
    return `client${this.#id}-${randomInt(tagsOfEach)}`;
  }

  #states(repository: string, tag: string): TagState {
    return this.#tags.get(`${repository}:${tag}`) ?? [undefined];
  }

  /** Notes what a request does to tags: both states may be there until it was answered. */
  async #change(
    keys: readonly string[],
    to: LoadImage | undefined,
    request: () => Promise<boolean>,
  ): Promise<void> {
    const before = new Map(keys.map(key => [key, this.#tags.get(key) ?? [undefined]]));
    for (const [key, states] of before) this.#tags.set(key, [...states, to]);
    const isDone = await request();
    for (const [key, states] of before) this.#tags.set(key, isDone ? [to] : states);
  }

  async #push(url: string, repository: string, tag: string): Promise<void> {
    const image = makeImage(this.#id);
    await this.#change([`${repository}:${tag}`], image, () => this.#putAll(url, repository, { tag, image }));
  }

  async #retag(url: string, repository: string, tag: string): Promise<void> {
    const [image] = this.#states(repository, this.#tag());
    if (image === undefined) return;
    await this.#change([`${repository}:${tag}`], image, () => this.#putAll(url, repository, { tag, image }));
  }

  async #putAll(
    url: string,
    repository: string,
    { tag, image }: { tag: string; image: LoadImage },
  ): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      for (const blob of image.blobs) await pushBlob(url, repository, blob);
      const headers = { 'Content-Type': mediaTypes.ociManifest };
      const put = await send(url, `PUT /v2/${repository}/manifests/${tag}`, { body: image.body, headers });
      if (put.status === 201) {
        if (put.headers.warning !== undefined) throw new LoadError(`push with ${put.headers.warning}`);
        return true;
      }
      if (!put.body.toString().includes('MANIFEST_BLOB_UNKNOWN')) throw unexpected('PUT', put);
      this.retried++;
    }
    throw new LoadError('a push does not come to an end');
  }

  async #deleteManifest(url: string, repository: string, tag: string): Promise<void> {
    const [image] = this.#states(repository, tag);
    if (image === undefined) return;
    // All its tags go with it; nobody else has the same image.
    const keys = [...this.#tags].flatMap(([key, states]) =>
      key.startsWith(`${repository}:`) && states.includes(image) ? [key] : [],
    );
    await this.#change(keys, undefined, async () => {
      const answer = await send(url, `DELETE /v2/${repository}/manifests/${image.digest}`);
      if (answer.status !== 202) throw unexpected('DELETE', answer);
      return true;
    });
  }

  async #deleteTag(url: string, repository: string, tag: string): Promise<void> {
    if (this.#states(repository, tag)[0] === undefined) return;
    await this.#change([`${repository}:${tag}`], undefined, async () => {
      const answer = await send(url, `DELETE /v2/${repository}/manifests/${tag}`);
      if (answer.status !== 202) throw unexpected('DELETE', answer);
      return true;
    });
  }
}

function makeImage(client: number): LoadImage {
  const base = bases[randomInt(bases.length)] ?? Buffer.alloc(0);
  const own = Buffer.concat([Buffer.from(`layer of client ${client} `), randomBytes(randomInt(30_000))]);
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', salt: randomBytes(8).toString('hex') }),
  );
  const blobs = [config, base, own];
  const descriptor = (blob: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(blob),
    size: blob.length,
  });
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor(config, mediaTypes.ociConfig),
    layers: [base, own].map(blob => descriptor(blob, mediaTypes.ociLayer)),
  });
  return { body, digest: digestOf(body), blobs };
}

function unexpected(what: string, answer: Answer): LoadError {
  return new LoadError(`${what}: ${answer.status} ${answer.body.toString()}`);
}

async function get(url: string, path: string): Promise<Answer> {
  return await send(url, `GET /v2/${path}`, { headers: { Accept: mediaTypes.ociManifest } });
}

/** As clients do: what is there is not pushed; what another repository has is mounted. */
async function pushBlob(url: string, repository: string, blob: Buffer): Promise<void> {
  const digest = digestOf(blob);
  const head = await send(url, `HEAD /v2/${repository}/blobs/${digest}`);
  if (head.status === 200) return;
  if (head.status !== 404) throw unexpected('HEAD', head);
  const other = repositories.find(each => each !== repository);
  const started = await send(url, `POST /v2/${repository}/blobs/uploads/?mount=${digest}&from=${other}`);
  if (started.status === 201) return;
  if (started.status !== 202) throw unexpected('POST', started);
  const put = await send(url, `PUT ${started.headers.location}?digest=${digest}`, { body: blob });
  if (put.status !== 201) throw unexpected('PUT', put);
}
