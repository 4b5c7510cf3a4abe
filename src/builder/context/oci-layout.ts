import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LayoutBlobs } from '../../content/layout-blobs.ts';
import type { LayoutStore, Lease } from '../../content/store.ts';
import { walkImage } from '../../content/walk-image.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { manifestSizeLimit, parseManifest } from '../../image/manifest.ts';
import { nearest } from '../../util/nearest.ts';

const referenceName = 'org.opencontainers.image.ref.name';

/** `oci-layout://FOLDER[:NAME][@DIGEST]` without its scheme. */
export function parseLayoutReference(text: string): {
  readonly folder: string;
  readonly name?: string;
  readonly digest?: string;
} {
  const [, path = '', digest] = /^(.*?)(?:@([a-z0-9]+:[0-9a-f]+))?$/.exec(text) ?? [];
  const [, folder = path, name] = /^(.*):([^/:]+)$/.exec(path) ?? [];
  return {
    folder: folder === '' ? path : folder,
    ...(name === undefined ? {} : { name }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Takes the image that a reference names out of an OCI image layout (image-spec 1.1 image-layout.md) into the store, under
 * the lease. The layout is only read.
 *
 * @throws HawserError CONTEXT_INVALID, IMAGE_UNKNOWN, DIGEST_INVALID for a blob that is not what its name says
 */
export async function importFromLayout(
  text: string,
  into: { readonly store: LayoutStore; readonly lease: Lease; readonly signal?: AbortSignal | undefined },
): Promise<Descriptor> {
  const { folder, ...wanted } = parseLayoutReference(text);
  const found = await findInLayout(folder, wanted);
  const { store, lease, signal } = into;
  const blobs = new LayoutBlobs(resolve(folder), '');
  for await (const { digest: blob, size } of walkImage(blobs, found)) {
    // Other platforms of an index may be left out of a layout.
    if ((await blobs.stat(blob)) === undefined) continue;
    await store.ingest(blobs.open(blob, { signal }), { digest: blob, size, lease, signal });
  }
  return found;
}

/**
 * The image of a layout that has this name and digest; with neither, the only one.
 *
 * @throws HawserError CONTEXT_INVALID where the folder is no layout, IMAGE_UNKNOWN
 */
export async function findInLayout(
  folder: string,
  { name, digest }: { readonly name?: string; readonly digest?: string },
): Promise<Descriptor> {
  const manifests = await readIndex(resolve(folder), folder);
  const found = manifests.find(
    manifest =>
      (digest === undefined || manifest.digest === digest) &&
      (name === undefined || manifest.annotations?.[referenceName] === name),
  );
  const isClear = digest !== undefined || name !== undefined || manifests.length === 1;
  if (found === undefined || !isClear) throw unknown(folder, manifests, name);
  return found;
}

async function readIndex(root: string, written: string): Promise<readonly Descriptor[]> {
  try {
    const path = join(root, 'index.json');
    const { size } = await stat(path);
    if (size > manifestSizeLimit) {
      throw new HawserError('SIZE_INVALID', `${path} has ${size} bytes, over ${manifestSizeLimit}`);
    }
    const document = parseManifest(await readFile(path));
    return document.kind === 'index' ? document.value.manifests : [];
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new HawserError('CONTEXT_INVALID', `${JSON.stringify(written)} is no OCI image layout`, {
      cause: error,
      remedy: 'Name a folder with an index.json, as skopeo copy … oci:FOLDER makes it.',
    });
  }
}

function unknown(folder: string, manifests: readonly Descriptor[], name: string | undefined): HawserError {
  const names = manifests.flatMap(manifest => manifest.annotations?.[referenceName] ?? []);
  const near = name === undefined ? undefined : nearest(name, names);
  const known =
    names.length === 0 ? 'Its images have no names: give a digest.' : `It has ${names.join(', ')}.`;
  return new HawserError(
    'IMAGE_UNKNOWN',
    `${JSON.stringify(folder)} is a layout without the image that is asked for`,
    {
      remedy: near === undefined ? known : `Did you mean ${near}?`,
    },
  );
}
