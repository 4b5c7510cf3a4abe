import { resolveImage } from '../content/resolve-image.ts';
import type { ContentStore } from '../content/store.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { familiarReference, formatReference, parseReference, withDefaultTag } from '../image/reference.ts';

async function namesOf(store: ContentStore, text: string, force: boolean): Promise<string[]> {
  try {
    const full = formatReference(withDefaultTag(parseReference(text)));
    if ((await store.references.get(full)) !== undefined) return [full];
  } catch (error) {
    // Not a reference: it may still be an id.
    if (!isHawserError(error, 'REFERENCE_INVALID')) throw error;
  }
  const image = await resolveImage(store, text);
  const names = (await store.references.list())
    .filter(({ descriptor }) => descriptor.digest === image.descriptor.digest)
    .map(({ name }) => name);
  if (names.length > 1 && !force) {
    throw new HawserError('CONFLICT', `image "${text}" has ${names.length} names: ${names.join(', ')}`, {
      remedy: 'Remove it by name, or all of them with --force.',
    });
  }
  return names;
}

/**
 * Takes away the name (or, by id, all names) of an image; the content goes with the next garbage collection.
 *
 * @returns a line for each name, as `docker rmi` prints
 * @throws HawserError IMAGE_UNKNOWN, CONFLICT
 */
export async function removeImage(
  store: ContentStore,
  text: string,
  options: { readonly force: boolean },
): Promise<string[]> {
  let names: string[];
  try {
    names = await namesOf(store, text, options.force);
  } catch (error) {
    if (options.force && isHawserError(error, 'IMAGE_UNKNOWN')) return [];
    throw error;
  }
  const lines: string[] = [];
  for (const name of names) {
    if (await store.references.remove(name))
      lines.push(`Untagged: ${familiarReference(parseReference(name))}`);
  }
  return lines;
}
