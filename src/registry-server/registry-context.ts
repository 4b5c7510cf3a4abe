import type { RepositoryName } from '../distribution/names.ts';
import type { Digest } from '../image/digest.ts';
import type { Authenticator, Grant } from './auth/authenticator.ts';
import type { EventAction, EventTarget } from './events/event.ts';
import type { PullThrough } from './proxy/pull-through.ts';
import type { RegistryRequest } from './registry-message.ts';
import type { Volume } from './storage/volume.ts';

/** What a push must fulfil that the specification leaves to a registry. */
export interface PushRules {
  /** Whether an image manifest is taken whose config or layers the repository lacks. */
  readonly sparseImages: boolean;
  /** Which children of an index the repository must have. */
  readonly children: 'none' | 'all' | readonly { readonly os: string; readonly architecture: string }[];
  /** Which URLs layers that are elsewhere may have; undefined for any. */
  readonly urls: { readonly allow: readonly RegExp[]; readonly deny: readonly RegExp[] } | undefined;
  /** Classes of repository that are taken, e.g. `image`; none for any. */
  readonly classes: readonly string[];
}

export const defaultPushRules: PushRules = {
  sparseImages: true,
  children: 'none',
  urls: undefined,
  classes: [],
};

/** What handlers know besides the request. */
export interface RegistryContext {
  readonly volume: Volume;
  /** Whether DELETE of tags, manifests and blobs is allowed. */
  readonly deleteEnabled: boolean;
  /** Whether nothing may be changed at all. */
  readonly readOnly: boolean;
  /** Whether clients are sent to the medium for blobs, where it can serve them itself. */
  readonly redirects: boolean;
  /** Whether a Location has no scheme and host. */
  readonly relativeURLs: boolean;
  /** The registry's own URL, without a slash at its end, where clients reach it by another one than they say. */
  readonly externalURL: string | undefined;
  /** In front of every path, without a slash at its end. */
  readonly prefix: string;
  readonly push: PushRules;
  /** What `_catalog?n=` is clamped to. */
  readonly catalogLimit: number;
  /** What a page of tags is clamped to. */
  readonly tagLimit: number;
  /** Everybody may do everything where it is left out. */
  readonly authenticator: Authenticator | undefined;
  /** What is wrong with the registry, by check. */
  readonly problems: ReadonlyMap<string, string>;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Whether events tell what a manifest names. */
  readonly eventReferences: boolean;
  /** Tells of what was done; resolves when it cannot get lost any more. */
  readonly notify: ((event: NotifiedEvent) => Promise<void>) | undefined;
  /** What is not here comes from another registry; nothing is pushed then. */
  readonly proxy: PullThrough | undefined;
  /** Left out where no garbage is collected. */
  readonly garbage: GarbageNotes | undefined;
}

/** Who is told of what may be garbage now, to collect it soon. */
export interface GarbageNotes {
  /** Whether manifests go that no tag reaches. */
  readonly wantsUntagged: boolean;
  /** A manifest lost a tag. */
  noteUntagged(name: RepositoryName, digest: Digest): Promise<void>;
  /** A manifest is about to be deleted. @returns what to call when it is */
  beforeDelete(name: RepositoryName, canonical: Digest): Promise<() => void>;
  /** A repository has content no more. */
  noteUnlinked(canonical: Digest): void;
}

export interface NotifiedEvent {
  readonly action: EventAction;
  readonly target: EventTarget;
  readonly request: RegistryRequest;
  readonly user: string | undefined;
}

/** The context of one request. */
export interface RequestContext extends RegistryContext {
  readonly request: RegistryRequest;
  readonly grant: Grant;
}

/** Tells of a change, or of a pull, which waits for nothing. */
export async function emit(context: RequestContext, action: EventAction, target: EventTarget): Promise<void> {
  const { notify, request, grant } = context;
  const told = notify?.({ action, target, request, user: grant.user });
  if (action !== 'pull') await told;
}
