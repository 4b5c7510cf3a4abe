import { closeSync, fstatSync, readSync } from 'node:fs';
import type { CopyJob, CopyResult } from './copy-into.ts';
import { listingsOf } from './copy-source.ts';
import { isUnchanged, openSource } from './open-source.ts';
import { CopyPacker, type PackPlan } from './pack-copy.ts';
import type { SourceEntry } from './source-entry.ts';
import { SourceRecord } from './source-record.ts';

const small = Buffer.allocUnsafeSlow(128 * 1024);

/** Makes the layer of a copy and leaves the copying to whoever first reads its files: they are unpacked then. */
export function packOnly({ sources, target }: CopyJob, plan: PackPlan): CopyResult {
  const packer = new CopyPacker(plan, target);
  const record = new SourceRecord();
  let changed = false;
  try {
    for (const source of sources) {
      const watched = source.watch ? record : undefined;
      for (const listing of listingsOf(source) ?? []) {
        watched?.add(listing.top);
        for (const entry of listing.below()) {
          watched?.add(entry);
          const isAsListed = packEntry(entry, packer);
          changed ||= source.watch && !isAsListed;
        }
      }
    }
    return { fingerprint: changed ? undefined : record.fingerprint(), layer: packer.end() };
  } catch (error) {
    packer.abandon();
    throw error;
  }
}

/** Whether it was as it was listed. */
function packEntry(entry: SourceEntry, packer: CopyPacker): boolean {
  if (entry.type === 'file' && !packer.has(entry)) return packFile(entry, packer);
  if (entry.type === 'file') packer.addLink(entry);
  else packer.add(entry);
  return true;
}

function packFile(entry: SourceEntry, packer: CopyPacker): boolean {
  const file = openSource(entry.location);
  if (file === undefined) return false;
  let isOpen = true;
  try {
    const length = entry.size < small.length ? readSync(file, small, 0, small.length, 0) : -1;
    if (length === entry.size) {
      packer.addContent(entry, small.subarray(0, length));
      return isUnchanged(entry, fstatSync(file));
    }
    if (!fstatSync(file).isFile()) return false;
    isOpen = false;
    packer.addOpen(entry, file);
  } finally {
    if (isOpen) closeSync(file);
  }
  const after = openSource(entry.location);
  if (after === undefined) return false;
  try {
    return isUnchanged(entry, fstatSync(after));
  } finally {
    closeSync(after);
  }
}
