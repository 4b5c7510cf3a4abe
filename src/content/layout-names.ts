import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import { mediaTypes } from '../image/media-types.ts';
import { subjectOfTag } from '../image/referrers.ts';
import { syncFolder } from '../util/atomic-file.ts';
import { withFileLock } from '../util/file-lock.ts';
import type { NamedDescriptor, ReferenceStore } from './store.ts';

/** image-spec 1.1 annotations.md */
const NAME_ANNOTATION = 'org.opencontainers.image.ref.name';

interface LayoutIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
}

export interface LayoutNamesOptions {
  readonly indexPath: string;
  readonly lockPath: string;
  /** A fresh path on the same file system, outside the layout. */
  readonly temporaryPath: () => Promise<string>;
  /** Called before a name is set; throws when the content is not there. */
  readonly checkContent: (digest: Digest) => Promise<void>;
  /** Held while a name is set, so that no collector removes the content in between. */
  readonly besideCollectors: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

type EditManifests = (manifests: readonly Descriptor[]) => readonly Descriptor[] | undefined;

function corrupt(path: string, what: string, cause?: unknown): HawserError {
  return new HawserError('STORE_CORRUPT', `${path}: ${what}`, { cause });
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== 'object' || value === null) return false;
  const { mediaType, digest, size } = value as Partial<Record<string, unknown>>;
  return (
    typeof mediaType === 'string' &&
    typeof digest === 'string' &&
    isDigest(digest) &&
    Number.isSafeInteger(size)
  );
}

function parseIndex(path: string, text: string): LayoutIndex {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, `no JSON (${messageOf(error)})`, error);
  }
  const manifests: unknown = (value as { manifests?: unknown } | null)?.manifests;
  if (!Array.isArray(manifests)) throw corrupt(path, 'no list "manifests"');
  const wrong = manifests.findIndex(manifest => !isDescriptor(manifest));
  if (wrong >= 0) throw corrupt(path, `manifests[${wrong}] is no descriptor`);
  return value as LayoutIndex;
}

function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[NAME_ANNOTATION];
}

/** The descriptor without the annotation that carries the name. */
function withoutName(descriptor: Descriptor): Descriptor {
  const { annotations, ...rest } = descriptor;
  const { [NAME_ANNOTATION]: _name, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}

function withName(descriptor: Descriptor, name: string): Descriptor {
  return { ...descriptor, annotations: { ...descriptor.annotations, [NAME_ANNOTATION]: name } };
}

/**
 * The names of an OCI image layout: the entries of its index.json; image-spec 1.1 image-layout.md, "index.json file".
 * Entries that other tools wrote without a name stay as they are.
 */
export class LayoutNames implements ReferenceStore {
  readonly #options: LayoutNamesOptions;
  /** Changes of this process come one after the other, so that they do not poll for the file lock against each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LayoutNamesOptions) {
    this.#options = options;
  }

  async get(name: string): Promise<Descriptor | undefined> {
    const found = (await this.#read()).manifests.find(manifest => nameOf(manifest) === name);
    return found === undefined ? undefined : withoutName(found);
  }

  async list(): Promise<readonly NamedDescriptor[]> {
    return (await this.#list()).filter(({ name }) => subjectOfTag(name) === undefined);
  }

  async listReferrersTags(): Promise<readonly NamedDescriptor[]> {
    return (await this.#list()).filter(({ name }) => subjectOfTag(name) !== undefined);
  }

  async #list(): Promise<readonly NamedDescriptor[]> {
    const named: NamedDescriptor[] = [];
    for (const manifest of (await this.#read()).manifests) {
      const name = nameOf(manifest);
      if (name !== undefined) named.push({ name, descriptor: withoutName(manifest) });
    }
    return named.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async set(name: string, descriptor: Descriptor): Promise<void> {
    await this.#options.besideCollectors(async () => {
      await this.#options.checkContent(descriptor.digest);
      await this.#change(manifests => {
        const entry = withName(descriptor, name);
        const before = manifests.find(manifest => nameOf(manifest) === name);
        if (before !== undefined && JSON.stringify(before) === JSON.stringify(entry)) return undefined;
        return [...manifests.filter(manifest => nameOf(manifest) !== name), entry];
      });
    });
  }

  async remove(name: string): Promise<boolean> {
    return this.#change(manifests => {
      const others = manifests.filter(manifest => nameOf(manifest) !== name);
      return others.length === manifests.length ? undefined : others;
    });
  }

  async #read(): Promise<LayoutIndex> {
    const { indexPath } = this.#options;
    try {
      return parseIndex(indexPath, readFileSync(indexPath, 'utf8'));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return { schemaVersion: 2, manifests: [] };
      throw error;
    }
  }

  /** Whether `edit` changed the list; it returns undefined to leave it. */
  async #change(edit: EditManifests): Promise<boolean> {
    const change = this.#last.then(() =>
      withFileLock(this.#options.lockPath, () => this.#changeLocked(edit)),
    );
    // Who comes next does not care how this one ends.
    this.#last = change.catch(() => undefined);
    return change;
  }

  async #changeLocked(edit: EditManifests): Promise<boolean> {
    const index = await this.#read();
    const manifests = edit(index.manifests);
    if (manifests === undefined) return false;
    await replaceFile(this.#options, JSON.stringify({ ...index, manifests }));
    return true;
  }
}

/** temp → fsync → rename → fsync folder: a crash leaves the old list or the new one. */
async function replaceFile(
  options: Pick<LayoutNamesOptions, 'indexPath' | 'temporaryPath'>,
  content: string,
): Promise<void> {
  const temporary = await options.temporaryPath();
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, options.indexPath);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(join(options.indexPath, '..'));
}

/** Makes `root` an empty layout, unless it is one. */
export async function ensureLayout(root: string, options: LayoutNamesOptions): Promise<void> {
  const marker = join(root, 'oci-layout');
  let text: string;
  try {
    text = readFileSync(marker, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    await createLayout(root, options);
    return;
  }
  if (!/"imageLayoutVersion"\s*:\s*"1\./.test(text)) {
    throw corrupt(marker, `imageLayoutVersion is not 1.x: ${JSON.stringify(text.slice(0, 100))}`);
  }
}

async function createLayout(root: string, options: LayoutNamesOptions): Promise<void> {
  await mkdir(join(root, 'blobs', 'sha256'), { recursive: true });
  await withFileLock(options.lockPath, async () => {
    const marker = join(root, 'oci-layout');
    const present = await readFile(options.indexPath).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (present === undefined) {
      await replaceFile(
        options,
        JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
      );
    }
    // The marker comes last: where it stands, the rest does.
    await replaceFile({ ...options, indexPath: marker }, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  });
}
