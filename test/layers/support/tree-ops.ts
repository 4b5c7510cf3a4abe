import {
  type BigIntStats,
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as fc from 'fast-check';
import { systemErrorCode } from '../../../src/errors/hawser-error.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { type FileTime, fsOps } from '../../../src/layers/fs-ops.ts';
import { type ByteString, fsPath } from '../../../src/util/byte-string.ts';

/** Times that tests give are before this, and layers are clamped to it, so that no clock gets into them. */
export const testEpoch = 1_000_000_000;

const names = ['a', 'b', 'c', 'Z', '\u00c3\u00bc', '\u00ff', 'l'.repeat(120)] as ByteString[];
const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map(parts => parts.join('/'));
const time = fc.record({
  seconds: fc.integer({ min: -5, max: testEpoch - 1 }),
  nanoseconds: fc.constantFrom(0, 0, 1, 999_999_999),
});
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o4755, 0o2711, 0o1777, 0);

/** One change to a tree; what is impossible, such as a file inside a file, is left out. */
export const treeOp = fc.oneof(
  fc.record({ op: fc.constant('write' as const), path, content: fc.string({ maxLength: 3 }), mode, time }),
  fc.record({ op: fc.constant('write' as const), path, content: fc.string({ maxLength: 3 }), mode, time }),
  fc.record({ op: fc.constant('mkdir' as const), path, mode }),
  fc.record({ op: fc.constant('mkdir' as const), path, mode }),
  fc.record({ op: fc.constant('remove' as const), path }),
  fc.record({ op: fc.constant('symlink' as const), path, target: path, time }),
  fc.record({ op: fc.constant('link' as const), path, source: path }),
  fc.record({ op: fc.constant('rename' as const), path, source: path }),
  fc.record({ op: fc.constant('chmod' as const), path, mode }),
  fc.record({ op: fc.constant('chown' as const), path, uid: fc.constantFrom(0, 1, 3_000_000) }),
  fc.record({ op: fc.constant('touch' as const), path, time }),
  fc.record({ op: fc.constant('fifo' as const), path, time }),
  fc.record({ op: fc.constant('device' as const), path, minor: fc.integer({ min: 1, max: 9 }), time }),
  fc.record({ op: fc.constant('xattr' as const), path, value: fc.constantFrom('', 'x', 'y\0z') }),
);

export type TreeOp = typeof treeOp extends fc.Arbitrary<infer Value> ? Value : never;

const expected = new Set(['ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY', 'EPERM', 'ELOOP', 'EINVAL']);

function pathIn(root: string, name: string): string | Buffer {
  return fsPath(`${root}/${name}` as ByteString);
}

/** A time of its own for what an operation made: the clock must not show. */
function setTime(target: string | Buffer, value: FileTime): void {
  fsOps.utimensat(target, value);
}

function parentsAreFolders(root: string, name: string): boolean {
  const parts = name.split('/').slice(0, -1);
  return parts.every((_, index) =>
    lstatSync(pathIn(root, parts.slice(0, index + 1).join('/')), { throwIfNoEntry: false })?.isDirectory(),
  );
}

function statOf(target: string | Buffer) {
  return lstatSync(target, { throwIfNoEntry: false });
}

function applyOp(root: string, change: TreeOp): void {
  const target = pathIn(root, change.path);
  // Never through a symlink, which might lead out of the tree.
  if (!parentsAreFolders(root, change.path)) return;
  const found = statOf(target);
  switch (change.op) {
    case 'write':
      if (found !== undefined && !found.isFile()) return;
      writeFileSync(target, change.content);
      chmodSync(target, change.mode);
      return setTime(target, change.time);
    case 'mkdir':
      mkdirSync(target);
      return chmodSync(target, change.mode | 0o700);
    case 'remove':
      return rmSync(target, { recursive: true, force: true });
    case 'symlink':
      symlinkSync(fsPath(change.target as ByteString), target);
      return setTime(target, change.time);
    case 'link':
    case 'rename': {
      if (!parentsAreFolders(root, change.source)) return;
      const source = pathIn(root, change.source);
      const stat = statOf(source);
      // An overlay without redirect_dir refuses to rename folders, and mv(1) copies them.
      if (stat === undefined || stat.isDirectory() || found?.isDirectory()) return;
      return change.op === 'link' ? linkSync(source, target) : renameSync(source, target);
    }
    case 'chmod':
      if (found?.isSymbolicLink()) return;
      return chmodSync(target, found?.isDirectory() ? change.mode | 0o700 : change.mode);
    case 'chown':
      return lchownSync(target, change.uid, change.uid);
    case 'touch':
      return setTime(target, change.time);
    case 'fifo':
      fsOps.mkfifo(target, 0o600);
      return setTime(target, change.time);
    case 'device':
      fsOps.mknod(target, { type: 'block-device', mode: 0o600, major: 7, minor: change.minor });
      return setTime(target, change.time);
    case 'xattr':
      if (!found?.isFile() && !found?.isDirectory()) return;
      return fsOps.lsetxattr(target, 'user.test', Buffer.from(change.value));
  }
}

function errnoOf(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  if (code !== 'INTERNAL' && code !== 'PERMISSION_DENIED') return code;
  return (error as { readonly detail?: { readonly errno?: string } }).detail?.errno;
}

export function applyOps(root: string, changes: readonly TreeOp[]): void {
  for (const change of changes) {
    try {
      applyOp(root, change);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined || !expected.has(code)) throw error;
    }
  }
}

function describeEntry(target: string | Buffer, stat: BigIntStats): unknown[] {
  const facts: unknown[] = [stat.mode.toString(8), stat.uid, stat.gid];
  if (stat.isDirectory()) facts.push('directory');
  else {
    const seconds = Math.floor(Number(stat.mtimeNs / 1_000_000n) / 1000);
    facts.push(stat.mtimeNs < 0n ? 'before 1970' : Math.min(seconds, testEpoch));
  }
  if (stat.isFile()) facts.push(digestOf(readFileSync(target)));
  if (stat.isSymbolicLink()) facts.push(readlinkSync(target, { encoding: 'latin1' }));
  if (stat.isBlockDevice() || stat.isCharacterDevice()) facts.push(stat.rdev);
  const xattrs = fsOps.llistxattr(target).filter(name => name.startsWith('user.'));
  for (const name of xattrs) facts.push(name, fsOps.lgetxattr(target, name)?.toString('latin1'));
  return facts.map(String);
}

/** All that a layer can say of a tree, by path. */
export function describeTree(root: string): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  const visit = (folder: string) => {
    for (const name of readdirSync(pathIn(root, folder), { encoding: 'latin1' }).sort()) {
      const relative = folder === '' ? name : `${folder}/${name}`;
      const target = pathIn(root, relative);
      const stat = lstatSync(target, { bigint: true });
      tree[relative] = describeEntry(target, stat);
      if (stat.isDirectory()) visit(relative);
    }
  };
  visit('');
  return tree;
}
