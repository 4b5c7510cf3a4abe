import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayoutStore, Lease } from '../../content/store.ts';
import { HawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { formatPlatform, type Platform } from '../../image/platform.ts';
import { textOf } from '../../util/byte-string.ts';
import { type BuildContextFiles, plainHasher } from '../execute/context.ts';
import type { NamedSource } from '../plan/named-source.ts';
import type { ResolvedBase } from '../plan/plan-build.ts';
import { parseGitReference } from '../remote/git-reference.ts';
import type { RemoteSources } from '../remote/remote-sources.ts';
import type { ScratchFolders } from '../scratch-folder.ts';
import { contextName } from './context-name.ts';
import { type LoadedContext, loadContext } from './local-context.ts';

export interface NamedContextServices {
  readonly memos: string;
  readonly scratch: ScratchFolders;
  readonly loadRemotes: () => Promise<RemoteSources>;
  readonly store: LayoutStore;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly resolveBase: (
    image: string,
    platform: Platform,
    location: SourceLocation,
  ) => Promise<ResolvedBase>;
  /** An image that is in the store, whatever it is called. */
  readonly useImage: (name: string, descriptor: Descriptor, platform: Platform) => Promise<ResolvedBase>;
}

/** What `--build-context` gives names to. A name stands before a stage and before an image of that name. */
export class NamedContexts {
  readonly #values: ReadonlyMap<string, string>;
  readonly #services: NamedContextServices;
  readonly #found = new Map<string, Promise<NamedSource>>();
  readonly #folders: LoadedContext[] = [];

  constructor(values: Readonly<Record<string, string>>, services: NamedContextServices) {
    this.#values = new Map(Object.entries(values).map(([name, value]) => [contextName(name), value]));
    this.#services = services;
  }

  /**
   * What `name` stands for; undefined for a name that was not given. `NAME::OS/ARCH` is for that platform alone.
   *
   * @throws HawserError CONTEXT_INVALID, and what images, repositories and URLs throw
   */
  async find(name: string, platform: Platform, location: SourceLocation): Promise<NamedSource | undefined> {
    if (this.#values.size === 0) return undefined;
    const plain = contextName(name);
    const specific = `${plain}::${formatPlatform(platform)}`;
    const key = this.#values.has(specific) ? specific : plain;
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const known = `${key} ${formatPlatform(platform)}`;
    let found = this.#found.get(known);
    if (found === undefined) {
      found = this.#load(key, value, { platform, location });
      this.#found.set(known, found);
    }
    return found;
  }

  /** Keeps what was learnt about files for the next build. */
  async save(): Promise<void> {
    for (const folder of this.#folders) await folder.save();
  }

  async #load(
    name: string,
    value: string,
    use: { readonly platform: Platform; readonly location: SourceLocation },
  ): Promise<NamedSource> {
    const [, scheme, rest = ''] = /^(docker-image|oci-layout|target|input):(?:\/\/)?(.*)$/s.exec(value) ?? [];
    if (scheme === 'docker-image') return this.#image(rest, use);
    if (scheme === 'oci-layout') return this.#layout(name, rest, use.platform);
    if (scheme !== undefined) {
      throw new HawserError('UNSUPPORTED', `--build-context ${name}=${value}: ${scheme} is not known here`, {
        remedy: 'Name a folder, docker-image://…, oci-layout://…, a git repository or a URL.',
      });
    }
    return { context: await this.#files(name, value) };
  }

  async #image(
    reference: string,
    { platform, location }: { readonly platform: Platform; readonly location: SourceLocation },
  ): Promise<NamedSource> {
    if (reference === 'scratch') return {};
    return { base: await this.#services.resolveBase(reference, platform, location) };
  }

  async #layout(name: string, reference: string, platform: Platform): Promise<NamedSource> {
    const { importFromLayout } = await import('./oci-layout.ts');
    const { store, lease, signal, useImage } = this.#services;
    const descriptor = await importFromLayout(reference, { store, lease, signal });
    return { base: await useImage(name, descriptor, platform) };
  }

  async #files(name: string, value: string): Promise<BuildContextFiles> {
    const title = `the context ${JSON.stringify(name)}`;
    const { loadRemotes, scratch, memos } = this.#services;
    if (existsSync(value)) {
      const folder = await loadContext(value, { memos, name: title });
      this.#folders.push(folder);
      return folder;
    }
    const reference = parseGitReference(value);
    if (reference !== undefined) {
      const remotes = await loadRemotes();
      return { tree: await remotes.git(reference).tree(), hasher: plainHasher, name: title };
    }
    if (/^https?:\/\//.test(value) && URL.canParse(value)) {
      const download = await (await loadRemotes()).http(new URL(value)).open();
      const root = await scratch.make();
      // BuildKit calls it so, whatever the URL says.
      if (download.kind === 'file') await copyFile(textOf(download.entry.location), join(root, 'context'));
      return { tree: { root, owners: 'root' }, hasher: plainHasher, name: title };
    }
    throw new HawserError('CONTEXT_INVALID', `--build-context ${name}=${value}: there is no such folder`, {
      remedy: 'Name a folder, docker-image://…, oci-layout://…, a git repository or a URL.',
    });
  }
}
