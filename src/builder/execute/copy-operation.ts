import { isHawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import { byteString } from '../../util/byte-string.ts';
import { type ContentSummary, summarise } from '../cache/content-digest.ts';
import { cacheKeyOf, type KeyPart } from '../cache/key.ts';
import { located } from '../located.ts';
import { type BuildContextFiles, plainHasher } from './context.ts';
import { copyInto } from './copy/copy-into.ts';
import { type CopySource, listingsOf } from './copy/copy-source.ts';
import type { ModeChange } from './copy/file-mode.ts';
import type { SourceListing } from './copy/source-entry.ts';
import type { SourceTree } from './copy/source-tree.ts';
import { emptyState, type FileState } from './file-state.ts';
import { missingSource } from './missing-source.ts';
import type { ExecuteOptions, Operation, Result } from './operation.ts';
import { requireOwner } from './owner.ts';
import type { RemoteSource } from './remote-source.ts';
import type { Workspace } from './workspace.ts';

/** A path or wildcard as the Dockerfile has it, expanded; a here-document; or something from elsewhere. */
export type RequestedSource =
  | { readonly kind: 'path'; readonly path: string; readonly location?: SourceLocation }
  | { readonly kind: 'inline'; readonly name: string; readonly content: string }
  | {
      readonly kind: 'remote';
      readonly path: string;
      readonly remote: RemoteSource;
      readonly location?: SourceLocation;
    };

type LocalSource = Exclude<RequestedSource, { readonly kind: 'remote' }>;

export interface CopyDefinition {
  readonly instruction: 'COPY' | 'ADD';
  readonly sources: readonly RequestedSource[];
  /** Absolute, with a `/` at its end where it must be a folder. */
  readonly target: string;
  readonly chown?: string | undefined;
  readonly chmod?: ModeChange | undefined;
  /** `--parents` */
  readonly parents: boolean;
  /** `--exclude` */
  readonly excludes: readonly string[];
  /** The layer is made without the files below it. */
  readonly link: boolean;
  /** Archives are extracted: of the context, of downloads. */
  readonly unpack: { readonly paths: boolean; readonly downloads: boolean };
  /** Seconds since 1970. */
  readonly epoch?: number | undefined;
  /** Left out, the paths come from the second input. */
  readonly context?: BuildContextFiles | undefined;
  /** What the source tree is called in messages: `the build context`, `stage build`. */
  readonly from: string;
}

/** COPY and ADD. */
export function copyOperation(definition: CopyDefinition): Operation {
  return new CopyOperation(definition);
}

class CopyOperation implements Operation {
  readonly independent: boolean;
  readonly sources: string;
  readonly contentKey?: Operation['contentKey'];
  readonly #definition: CopyDefinition;
  /** The time of here-documents, one for all passes over them. */
  readonly #now = Date.now();
  /** Of what was looked at for a key. */
  #summary: ContentSummary | undefined;
  #summarising: Promise<ContentSummary> | undefined;

  constructor(definition: CopyDefinition) {
    this.#definition = definition;
    this.independent = definition.link;
    this.sources = definition.from;
    if (!this.#needsStage) return;
    this.contentKey = async ([parent, source = emptyState], workspace) => {
      const tree = await this.#stageTree(source, workspace);
      return this.#key(parent, await this.#contents(tree));
    };
  }

  get #needsStage(): boolean {
    const { context, sources } = this.#definition;
    return context === undefined && sources.some(({ kind }) => kind === 'path');
  }

  async cacheKey([parent, source]: readonly FileState[], onReading?: (bytes: number) => void) {
    if (!this.#needsStage) {
      return this.#key(parent, await this.#contents(this.#definition.context?.tree, onReading));
    }
    const { sources, excludes, parents } = this.#definition;
    const requested = sources.flatMap(part => {
      if (part.kind === 'remote') return []; // COPY has none
      return [part.kind === 'inline' ? [part.name, part.content] : [part.path]];
    });
    return this.#key(parent, ['state', source?.chainID, requested, excludes, parents]);
  }

  async execute(
    [parent = emptyState, source = emptyState]: readonly FileState[],
    { workspace, signal, warn, unread }: ExecuteOptions,
  ): Promise<Result> {
    const definition = this.#definition;
    const tree = this.#needsStage ? await this.#stageTree(source, workspace) : definition.context?.tree;
    const sources = await this.#sources(tree);
    const { entries, size } = this.#summary ?? this.#unknownSize;
    const isRemote = sources.some(({ watch }) => !watch); // of unknown size
    let fingerprint: string | undefined;
    const layer = await workspace.change(definition.link ? emptyState : parent, async (root, newFile) => {
      const owner = definition.chown === undefined ? undefined : requireOwner(root, definition.chown);
      const time = definition.epoch === undefined ? undefined : definition.epoch * 1000;
      const target = { root, path: definition.target, owner, mode: definition.chmod, time };
      const job = { sources, target };
      const copied = await copyInto(job, {
        entries,
        size: isRemote ? Number.POSITIVE_INFINITY : size,
        signal,
        newFile,
        latest: workspace.epoch,
        unread,
      });
      fingerprint = copied.fingerprint;
      return copied.packed;
    });
    const known = await this.#summarising; // which may still go on where this had a head start
    if (known === undefined || fingerprint === known.fingerprint) return layer;
    warn(`${definition.from} changed while it was read: this step is not kept in the cache`);
    return { ...layer, transient: true };
  }

  /** Of sources that are being looked at only now, which are many, or were not looked at. */
  get #unknownSize() {
    const any = this.#summarising === undefined ? 0 : Number.POSITIVE_INFINITY;
    return { entries: any, size: any };
  }

  #key(parent: FileState | undefined, content: KeyPart) {
    const { target, chown, chmod, unpack, epoch, sources, link } = this.#definition;
    const { paths, downloads } = unpack;
    // A wildcard and a literal path that find the same treat a folder alike: what they found is in the content.
    const parts = [target, chown, JSON.stringify(chmod), paths, downloads, epoch, sources.length];
    return cacheKeyOf('copy', [link ? 'link' : parent?.chainID, ...parts, content]);
  }

  async #stageTree(source: FileState, workspace: Workspace): Promise<SourceTree> {
    return { root: await workspace.view(source), owners: 'kept' };
  }

  /** What the sources hold, by content; of what is elsewhere, what names it. */
  async #contents(tree: SourceTree | undefined, onReading?: (bytes: number) => void): Promise<KeyPart> {
    const { context, sources, excludes } = this.#definition;
    const remote: KeyPart[] = [];
    const listings: SourceListing[] = [];
    for (const source of sources) {
      await this.#at(source, async () => {
        if (source.kind === 'remote') remote.push([listings.length, excludes, await source.remote.key()]);
        else listings.push(...this.#list(source, tree));
      });
    }
    this.#summarising = summarise(listings, context?.hasher ?? plainHasher, onReading);
    this.#summary = await this.#summarising;
    return ['content', this.#summary.digest, remote];
  }

  #list(source: LocalSource, tree: SourceTree | undefined): readonly SourceListing[] {
    const found = listingsOf(this.#sourceOf(source, tree));
    if (found !== undefined) return found;
    const { instruction, from: treeName } = this.#definition;
    throw missingSource({ instruction, path: nameOf(source), tree: tree as SourceTree, treeName });
  }

  async #sources(tree: SourceTree | undefined): Promise<readonly CopySource[]> {
    const { sources, excludes, unpack } = this.#definition;
    const found: CopySource[] = [];
    for (const source of sources) {
      if (source.kind !== 'remote') {
        found.push(this.#sourceOf(source, tree));
        continue;
      }
      const opened = await this.#at(source, () => source.remote.open());
      found.push(
        opened.kind === 'tree'
          ? { ...opened, query: { path: '/', excludes }, unpack: false, watch: false }
          : { ...opened, unpack: unpack.downloads, watch: false },
      );
    }
    return found;
  }

  #sourceOf(source: LocalSource, tree: SourceTree | undefined): CopySource {
    const { parents, excludes, unpack } = this.#definition;
    if (source.kind === 'inline') return inlineSource(source, this.#now);
    const query = { path: source.path, parents, excludes };
    return { kind: 'tree', tree: tree as SourceTree, query, unpack: unpack.paths, watch: true };
  }

  /** A failure of a source stands at its word. */
  async #at<Found>(source: RequestedSource, work: () => Promise<Found>): Promise<Found> {
    try {
      return await work();
    } catch (error) {
      if (isHawserError(error, 'ABORTED') || source.kind === 'inline') throw error;
      throw located(error, source.location);
    }
  }
}

function nameOf(source: LocalSource): string {
  return source.kind === 'path' ? source.path : source.name;
}

function inlineSource(source: { readonly name: string; readonly content: string }, now: number): CopySource {
  const nowhere = byteString('');
  const owner = { uid: 0, gid: 0 };
  const file = { type: 'file', path: nowhere, location: nowhere, mode: 0o644, ...owner, ino: 0 } as const;
  const { name, content } = source;
  const size = Buffer.byteLength(content);
  const entry = { ...file, size, mtime: now, ctime: now, inline: content };
  return { kind: 'file', name, entry, unpack: false, watch: true };
}
