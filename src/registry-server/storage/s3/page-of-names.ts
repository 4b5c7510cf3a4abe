import type { NamesPage, PageOptions } from '../driver.ts';

/** What S3 lists at once at most. */
const LIST_LIMIT = 1000;
/** Names beyond the page that are asked for, so that one list is mostly enough. */
const SPARE = 16;

/** A folder of a bucket. */
export interface ListedFolder {
  /** What comes behind `after` in S3's order, which is that of the bytes of keys; folders end with a slash. */
  list(options: { readonly after: string; readonly limit: number }): Promise<{
    readonly keys: readonly string[];
    readonly isTruncated: boolean;
  }>;
  hasFolder(name: string): Promise<boolean>;
}

/**
 * Some names in a folder, in the order of their bytes, for as many requests as the page is long, however many names there
 * are. S3 orders by whole keys, `v1-a/…`, `v1.0/…`, `v1/…`: the name `v1` comes first, and its key behind those of all names
 * that go on from it with `-` or `.`. So a list that ends among those lacks `v1`, which is asked for by itself.
 */
export async function pageOfNames(folder: ListedFolder, { after, count }: PageOptions): Promise<NamesPage> {
  const found = new Set<string>();
  const take = (name: string) => void (name > after && found.add(name));
  // No key before this one is of a name behind `after`: such a name has it at its beginning, or is greater.
  let start = after;
  let isTruncated = true;
  while (isTruncated && found.size <= count) {
    const listed = await folder.list({ after: start, limit: Math.min(LIST_LIMIT, count + SPARE) });
    for (const key of listed.keys) take(nameOf(key));
    const last = listed.keys.reduce((left, right) => (left > right ? left : right), '');
    isTruncated = listed.isTruncated && last !== '';
    if (isTruncated && found.size > count) {
      const missing = shorterNames(nameOf(last)).filter(name => name > after && !found.has(name));
      const are = await Promise.all(missing.map(name => folder.hasFolder(name)));
      for (const name of missing.filter((_, index) => are[index] === true)) take(name);
    }
    start = behind(last);
  }
  return { names: [...found].sort().slice(0, count), hasMore: found.size > count };
}

function nameOf(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key;
}

/** What all keys in a folder are less than, and all other keys behind them are not: `0` comes behind the slash. */
function behind(key: string): string {
  return key.endsWith('/') ? `${nameOf(key)}0` : key;
}

/** The names that `name` goes on from with a character that comes before the slash. */
function shorterNames(name: string): readonly string[] {
  return [...name].flatMap((character, index) =>
    character < '/' && index > 0 ? [name.slice(0, index)] : [],
  );
}
