import { createHash } from 'node:crypto';
import { digestOf } from '../../image/digest.ts';
import type { SourceEntry, SourceListing } from '../execute/copy/source-entry.ts';

export interface ContentHasher {
  /** SHA-256 in hex of the content of a file. */
  digestOf(file: SourceEntry): string;
}

/**
 * What COPY's result depends on of its sources: name, kind, mode, owner, size, link target, capability and content of
 * each entry, and which names share a file. Not the times.
 */
export function contentDigestOf(listings: readonly SourceListing[], hasher: ContentHasher): string {
  const hash = createHash('sha256');
  const groups = new Map<string, number>();
  for (const listing of listings) {
    hash.update(JSON.stringify([listing.name, listing.entries.length]));
    for (const entry of listing.entries) {
      hash.update(JSON.stringify([...describe(entry), groupOf(entry, groups), contentOf(entry, hasher)]));
    }
  }
  return hash.digest('hex');
}

function describe(entry: SourceEntry): readonly unknown[] {
  const { type, path, mode, uid, gid, size, link, device, capability } = entry;
  const attribute = capability === undefined ? '' : Buffer.from(capability).toString('hex');
  return [type, path, mode, uid, gid, size, link ?? '', device ?? 0, attribute];
}

/** Names of one file get one number, so that a copy and a link are told apart. */
function groupOf(entry: SourceEntry, groups: Map<string, number>): number {
  if (entry.inode === undefined) return -1;
  const known = groups.get(entry.inode);
  if (known !== undefined) return known;
  groups.set(entry.inode, groups.size);
  return -1;
}

function contentOf(entry: SourceEntry, hasher: ContentHasher): string {
  if (entry.type !== 'file') return '';
  return entry.inline === undefined ? hasher.digestOf(entry) : digestOf(entry.inline);
}
