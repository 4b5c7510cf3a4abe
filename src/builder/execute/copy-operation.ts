import type { SourceLocation } from '../../errors/hawser-error.ts';
import { contentDigestOf } from '../cache/content-digest.ts';
import { cacheKeyOf, type KeyPart } from '../cache/key.ts';
import { type BuildContextFiles, plainHasher } from './context.ts';
import { copyInto } from './copy/copy-into.ts';
import { listSource, type SourceTree } from './copy/list-source.ts';
import type { SourceListing } from './copy/source-entry.ts';
import { hasWildcard } from './copy/wildcard.ts';
import { emptyState, type FileState } from './file-state.ts';
import { missingSource } from './missing-source.ts';
import type { Operation } from './operation.ts';
import { requireOwner } from './owner.ts';
import type { Workspace } from './workspace.ts';

export interface CopyDefinition {
  readonly instruction: 'COPY' | 'ADD';
  /** Paths and wildcards as the Dockerfile has them, expanded. */
  readonly sources: readonly string[];
  /** Here-documents: files by name. */
  readonly inline: readonly { readonly name: string; readonly content: string }[];
  /** Absolute, with a `/` at its end where it must be a folder. */
  readonly target: string;
  readonly chown?: string | undefined;
  readonly chmod?: number | undefined;
  /** Local archives are extracted. */
  readonly unpack: boolean;
  /** Seconds since 1970. */
  readonly epoch?: number | undefined;
  /** Left out, the sources come from the second input. */
  readonly context?: BuildContextFiles;
  /** What the source tree is called in messages: `the build context`, `stage build`. */
  readonly from: string;
  readonly location?: SourceLocation;
}

/** COPY and ADD of local files. */
export function copyOperation(definition: CopyDefinition): Operation {
  const { context, inline } = definition;
  const needsStage = context === undefined && definition.sources.length > 0;
  let listings: readonly SourceListing[] | undefined;

  const keyOf = (parent: FileState | undefined, content: KeyPart) =>
    cacheKeyOf('copy', [parent?.chainID, ...definitionParts(definition), content]);
  const list = (tree: SourceTree | undefined): readonly SourceListing[] => {
    listings ??= [...(tree === undefined ? [] : listAll(definition, tree)), ...inline.map(inlineListing)];
    return listings;
  };
  const stageTree = async (source: FileState, workspace: Workspace): Promise<SourceTree> => ({
    root: await workspace.view(source),
    isContext: false,
  });

  return {
    async cacheKey([parent, source]) {
      if (needsStage) return keyOf(parent, ['state', source?.chainID, inlineParts(definition)]);
      return keyOf(parent, ['content', contentDigestOf(list(context?.tree), context?.hasher ?? plainHasher)]);
    },
    ...(needsStage
      ? {
          async contentKey([parent, source = emptyState]: readonly FileState[], workspace: Workspace) {
            const tree = await stageTree(source, workspace);
            return keyOf(parent, ['content', contentDigestOf(list(tree), plainHasher)]);
          },
        }
      : {}),
    async execute([parent = emptyState, source = emptyState], { workspace, signal }) {
      const tree = needsStage ? await stageTree(source, workspace) : context?.tree;
      return workspace.change(parent, async root => {
        await copyInto(list(tree), {
          signal,
          unpack: definition.unpack,
          target: {
            root,
            path: definition.target,
            owner: definition.chown === undefined ? undefined : requireOwner(root, definition.chown),
            mode: definition.chmod,
            time: definition.epoch === undefined ? undefined : definition.epoch * 1000,
          },
        });
      });
    },
  };
}

function definitionParts(definition: CopyDefinition): readonly KeyPart[] {
  const { target, chown, chmod, unpack, epoch, sources } = definition;
  // A wildcard and a literal path that find the same treat a folder alike: what they found is in the content.
  return [target, chown, chmod, unpack, epoch, sources.length];
}

function inlineParts(definition: CopyDefinition): KeyPart {
  return [definition.sources, definition.inline.map(({ name, content }) => [name, content])];
}

function listAll(definition: CopyDefinition, tree: SourceTree): readonly SourceListing[] {
  return definition.sources.flatMap(path => {
    const found = listSource(tree, path);
    // A wildcard may match nothing; a path that is written out must be there.
    if (found.length > 0 || hasWildcard(path)) return found;
    throw missingSource({
      instruction: definition.instruction,
      path,
      tree,
      treeName: definition.from,
      context: definition.context,
      location: definition.location,
    });
  });
}

function inlineListing({
  name,
  content,
}: {
  readonly name: string;
  readonly content: string;
}): SourceListing {
  const entry = { type: 'file', path: '', location: '', mode: 0o644, uid: 0, gid: 0, ino: 0 } as const;
  const now = Date.now();
  const size = Buffer.byteLength(content);
  return { name, entries: [{ ...entry, size, mtime: now, ctime: now, inline: content }] };
}
