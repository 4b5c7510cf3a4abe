import { type BigIntStats, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openLayoutStore } from '../../../src/content/layout-store.ts';
import type { LayoutStore } from '../../../src/content/store.ts';
import { serializeImageConfig } from '../../../src/image/config.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { serializeManifest } from '../../../src/image/manifest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import { runApplyJob } from '../../../src/layers/apply-job.ts';
import { compressLayer } from '../../../src/layers/compress-layer.ts';
import { fsOps } from '../../../src/layers/fs-ops.ts';
import type { StackLayer } from '../../../src/layers/unpack-image.ts';
import { type TarItem, writeTar } from '../../../src/tar/writer.ts';
import { type ByteString, fsPath } from '../../../src/util/byte-string.ts';

export function openTestStore(folder: string): Promise<LayoutStore> {
  return openLayoutStore(join(folder, 'images'), { state: join(folder, 'images-state') });
}

/** Stores layers, every second one compressed. */
export async function storeLayers(
  store: LayoutStore,
  layers: readonly (readonly TarItem[])[],
): Promise<StackLayer[]> {
  const stack: StackLayer[] = [];
  for (const [index, items] of layers.entries()) {
    const { digest, size } = await store.ingest(writeTar(items));
    const plain = { mediaType: mediaTypes.ociLayer, digest, size };
    const descriptor = index % 2 === 0 ? plain : await compressLayer(store, plain, { compression: 'gzip' });
    stack.push({ descriptor, diffID: digest });
  }
  return stack;
}

/** An image of such layers; each has a step of history and a step without a layer behind it. */
export function imageOf(stack: readonly StackLayer[]) {
  const config = serializeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: stack.map(({ diffID }) => diffID) },
    history: stack.flatMap((_, index) => [
      { created: `2001-01-0${index + 1}T00:00:00Z`, created_by: `RUN step ${index + 1}` },
      { created_by: `ENV step=${index + 1}`, empty_layer: true },
    ]),
  });
  const manifest = serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.bytes.length },
    layers: stack.map(({ descriptor }) => descriptor),
  });
  return { config, manifest };
}

/** Applies a stack to a new folder. */
export async function applyStack(
  store: LayoutStore,
  stack: readonly StackLayer[],
  root: string,
): Promise<void> {
  mkdirSync(root, { recursive: true });
  for (const { descriptor, diffID } of stack) {
    const compression = descriptor.mediaType.endsWith('gzip') ? 'gzip' : 'uncompressed';
    await runApplyJob({
      source: { path: store.pathOf(descriptor.digest), compression },
      root,
      whiteouts: 'remove',
      limits: {},
      diffID,
      digest: true,
    });
  }
}

/** Times that no entry gave: 1970, or now. */
function timeOf({ mtimeNs }: BigIntStats): string {
  return mtimeNs === 0n || mtimeNs > 1_500_000_000_000_000_000n ? 'of no entry' : String(mtimeNs);
}

/**
 * All of a tree, to the nanosecond, and which names are one file: but not of an overlay, which parts those that lie in
 * several layers.
 */
export function describeWhole(root: string, isOverlay = false): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  const firsts = new Map<bigint, string>();
  const visit = (name: string) => {
    const target = fsPath((name === '' ? root : `${root}/${name}`) as ByteString);
    const stat = lstatSync(target, { bigint: true });
    const { mode, uid, gid, rdev, ino } = stat;
    const facts: unknown[] = [mode.toString(8), Number(uid), Number(gid), timeOf(stat)];
    if (!stat.isDirectory()) {
      const first = firsts.get(ino);
      if (first === undefined) firsts.set(ino, name);
      facts.push(Number(rdev));
      if (!isOverlay) facts.push(`one with ${first ?? name}`, Number(stat.nlink));
    }
    if (stat.isFile()) facts.push(digestOf(readFileSync(target)));
    if (stat.isSymbolicLink()) facts.push(readlinkSync(target, { encoding: 'latin1' }));
    for (const attribute of fsOps.llistxattr(target)) {
      facts.push(attribute, fsOps.lgetxattr(target, attribute)?.toString('latin1'));
    }
    tree[name] = facts.map(String);
    if (!stat.isDirectory()) return;
    for (const child of readdirSync(target, { encoding: 'latin1' }).sort()) {
      visit(name === '' ? child : `${name}/${child}`);
    }
  };
  visit('');
  return tree;
}
