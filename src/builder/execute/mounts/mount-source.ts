import { chmodSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { HawserError } from '../../../errors/hawser-error.ts';
import { fsOps } from '../../../layers/fs-ops.ts';
import { byteString, textOf } from '../../../util/byte-string.ts';
import { type ContentSummary, summarise } from '../../cache/content-digest.ts';
import { type BuildContextFiles, plainHasher } from '../context.ts';
import { copyInto } from '../copy/copy-into.ts';
import { fileTimeOf } from '../copy/file-time.ts';
import { listSource } from '../copy/list-source.ts';
import { joinBytes, lstatOrNothing, resolveInside } from '../copy/root-path.ts';
import type { SourceListing } from '../copy/source-entry.ts';
import type { SourceTree } from '../copy/source-tree.ts';
import { emptyState, type FileState } from '../file-state.ts';
import { missingSource } from '../missing-source.ts';
import type { Workspace } from '../workspace.ts';
import type { MountTree } from './step-mounts.ts';

/** A part of a tree that a mount shows. */
export interface MountSource {
  readonly tree: MountTree;
  /** From the tree's root; links are followed inside the tree. */
  readonly path: string;
}

/** A mount has no wildcards. */
function literalQuery(path: string) {
  return { path: path.replace(/[\\*?[]/g, '\\$&') };
}

/** What is mounted, with what is in it. @throws HawserError COPY_SOURCE_UNKNOWN */
function listOne(source: MountSource, tree: SourceTree): SourceListing {
  const listing = listSource(tree, literalQuery(source.path))?.[0];
  if (listing === undefined) throw missing(source, tree);
  return listing;
}

function missing({ path, tree: { name } }: MountSource, tree: SourceTree): HawserError {
  return missingSource({ instruction: 'RUN --mount', path, tree, treeName: name });
}

/** What a mount shows of the context; undefined for a stage. */
export async function contextSummary(source: MountSource): Promise<ContentSummary | undefined> {
  if (!('context' in source.tree)) return undefined;
  const { tree, hasher } = source.tree.context;
  return summarise([listOne(source, tree)], hasher);
}

/** Digest of what a mount shows of a stage or an image, whose files are unpacked for it. */
export async function stageDigest(
  source: MountSource,
  state: FileState,
  workspace: Workspace,
): Promise<string> {
  const listing = listOne(source, { root: await workspace.view(state), owners: 'kept' });
  return (await summarise([listing], plainHasher)).digest;
}

export interface ExposeOptions {
  /** Of a tree that is an input. */
  readonly state: FileState | undefined;
  readonly readonly: boolean;
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
}

export interface ExposedSource {
  /** On the host. */
  readonly path: string;
  /** Of what was copied, as `ContentSummary` has it; undefined where it changed while it was copied, or is no copy. */
  readonly fingerprint?: string | undefined;
}

/** Copies of the context that steps of one build read, by what they show. */
export type ContextCopies = Map<string, Promise<ExposedSource>>;

/**
 * Where what a mount shows is on the host. A stage that is only read is shown as it is. Files of the context are copied,
 * as .dockerignore leaves them and as if root had them: neither do they change while they are used, nor are they written.
 *
 * @throws HawserError COPY_SOURCE_UNKNOWN
 */
export async function exposeSource(
  source: MountSource,
  copies: ContextCopies,
  options: ExposeOptions,
): Promise<ExposedSource> {
  const { workspace, readonly, state = emptyState } = options;
  if ('context' in source.tree) {
    const { context } = source.tree;
    if (!readonly) return copyContext(source, context, options);
    const name = `${context.tree.root} ${posix.resolve('/', source.path)}`;
    const copy = copies.get(name) ?? copyContext(source, context, options);
    copies.set(name, copy);
    return copy;
  }
  const root = readonly ? await workspace.view(state) : await workspace.scratch(state);
  const path = resolveInside(byteString(root), byteString(source.path), { followLast: true });
  if (lstatOrNothing(joinBytes(byteString(root), path)) !== undefined)
    return { path: join(root, textOf(path)) };
  throw missing(source, { root, owners: 'kept' });
}

async function copyContext(
  source: MountSource,
  { tree, hasher }: BuildContextFiles,
  { workspace, signal }: ExposeOptions,
): Promise<ExposedSource> {
  const listing = listOne(source, tree);
  const { top } = listing;
  const counted = await summarise([listing], hasher);
  const root = await workspace.scratch(emptyState);
  const query = literalQuery(source.path);
  const sources = [{ kind: 'tree', tree, query, unpack: false, watch: true }] as const;
  const target = { root, path: '/mounted' };
  const { fingerprint } = await copyInto({ sources, target }, { ...counted, signal });
  const path = join(root, 'mounted');
  // COPY gives the folder itself a mode and time of its own.
  if (top.type === 'folder') {
    chmodSync(path, posix.resolve('/', source.path) === '/' ? 0o755 : top.mode);
    fsOps.utimensat(path, fileTimeOf(top.mtime));
  }
  return { path, fingerprint };
}
