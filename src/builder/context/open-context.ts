import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { textOf } from '../../util/byte-string.ts';
import { type BuildContextFiles, plainHasher } from '../execute/context.ts';
import type { SourceTree } from '../execute/copy/source-tree.ts';
import { type BuildObserver, silentObserver } from '../observer.ts';
import { type GitReference, parseGitReference } from '../remote/git-reference.ts';
import { redactUrl } from '../remote/redact-url.ts';
import type { RemoteSources } from '../remote/remote-sources.ts';
import type { ScratchFolders } from '../scratch-folder.ts';
import { type DockerfileText, readDockerfile, readDockerfileInside } from './dockerfile-text.ts';
import { loadContext } from './local-context.ts';

export interface ContextRequest {
  /** A folder, `-`, a git repository or a URL. */
  readonly context: string;
  /** The Dockerfile: a path of this machine where the context is a folder, else inside it; or a URL. */
  readonly file?: string | undefined;
  /** The Dockerfile itself, where it comes from elsewhere (`-f -`); `file` is its name in messages then. */
  readonly dockerfile?: Uint8Array | undefined;
  /** What `-` means. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** BUILDKIT_CONTEXT_KEEP_GIT_DIR */
  readonly keepGitDir?: boolean;
}

export interface ContextServices {
  /** Where digests of a folder's files are remembered. */
  readonly memos: string;
  readonly scratch: ScratchFolders;
  readonly loadRemotes: () => Promise<RemoteSources>;
  readonly observer?: BuildObserver;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedContext {
  readonly dockerfile: DockerfileText;
  readonly files: BuildContextFiles;
  /** Of what was fetched, in seconds since 1970; undefined where nothing says it, as for a folder of this machine. */
  time?(): Promise<number | undefined>;
  /** Keeps what was learnt about the files for the next build. */
  save(): Promise<void>;
}

/**
 * Makes ready what is built from: the Dockerfile is read, and what is not a folder of this machine is fetched and unpacked.
 * .dockerignore counts in folders only, as in BuildKit.
 *
 * @throws HawserError CONTEXT_INVALID, DOCKERFILE_UNKNOWN, DOCKERFILE_INVALID, INVALID_ARGUMENT, DOWNLOAD_FAILED,
 * and for archives TAR_INVALID, COMPRESSION_INVALID, LAYER_ENTRY_INVALID
 */
export async function openContext(
  request: ContextRequest,
  services: ContextServices,
): Promise<OpenedContext> {
  const opener = new ContextOpener(request, services);
  const { context } = request;
  if (context === '-') return opener.stdin();
  if (existsSync(context)) return opener.folder();
  const reference = gitReferenceOf(context);
  const isUrl = /^https?:\/\//.test(context);
  if (reference === undefined && !isUrl) return opener.folder();
  const vertex = { id: 'context', name: `load build context ${redactUrl(context)}` };
  const { observer = silentObserver } = services;
  observer.vertexStarted(vertex);
  try {
    const found = await (reference === undefined ? opener.url(context) : opener.git(reference));
    observer.vertexDone(vertex);
    return found;
  } catch (error) {
    observer.vertexFailed(vertex, error);
    throw error;
  }
}

/** `github.com/owner/repository` is one too. */
function gitReferenceOf(context: string): GitReference | undefined {
  if (!context.startsWith('github.com/')) return parseGitReference(context);
  const [path = '', ...fragment] = context.split('#');
  const end = fragment.length === 0 ? '' : `#${fragment.join('#')}`;
  return parseGitReference(`https://${path.replace(/\.git$|\/$/, '')}.git${end}`);
}

class ContextOpener {
  readonly #request: ContextRequest;
  readonly #services: ContextServices;

  constructor(request: ContextRequest, services: ContextServices) {
    this.#request = request;
    this.#services = services;
  }

  async folder(): Promise<OpenedContext> {
    const { context, file } = this.#request;
    const dockerfile = (await this.#givenDockerfile()) ?? (await readDockerfile(context, file));
    const { memos } = this.#services;
    const { save, ...files } = await loadContext(context, { dockerfile: dockerfile.path, memos });
    return { dockerfile, files, save };
  }

  async stdin(): Promise<OpenedContext> {
    const { stdin, dockerfile, file } = this.#request;
    if (stdin === undefined) throw new Error('a context on stdin needs stdin');
    const { collectText, sniff } = await import('./archive-context.ts');
    const { kind, content } = await sniff(stdin);
    if (kind === 'archive') return this.#archive(content);
    if (dockerfile !== undefined || file !== undefined) {
      throw new HawserError('INVALID_ARGUMENT', 'stdin holds no archive, and -f names another Dockerfile', {
        remedy: 'Give a tar archive on stdin, or leave -f out where stdin is the Dockerfile itself.',
      });
    }
    const bytes = await collectText(content);
    const tree: SourceTree = { root: await this.#services.scratch.make(), owners: 'root' };
    return opened({ name: 'Dockerfile', bytes }, tree);
  }

  async git(reference: GitReference): Promise<OpenedContext> {
    const keep = this.#request.keepGitDir === true ? { keepGitDir: true } : {};
    const remotes = await this.#services.loadRemotes();
    const source = remotes.git({ ...reference, ...keep });
    return { ...(await this.#inside(await source.tree())), time: () => source.time() };
  }

  /** An archive is unpacked; anything else is a Dockerfile, and `context` in a context without other files. */
  async url(url: string): Promise<OpenedContext> {
    if (!URL.canParse(url)) {
      throw new HawserError('CONTEXT_INVALID', `${JSON.stringify(url)} is no URL`, {
        remedy: 'Mend the URL.',
      });
    }
    const remotes = await this.#services.loadRemotes();
    const { path, seconds } = await downloaded(remotes, new URL(url));
    const { fileBytes, sniff } = await import('./archive-context.ts');
    const { kind, content } = await sniff(fileBytes(path));
    if (kind === 'archive') return this.#archive(content, seconds);
    const time = async () => seconds;
    const root = await this.#services.scratch.make();
    copyFileSync(path, join(root, 'context'));
    const { dockerfile } = this.#request;
    const tree: SourceTree = { root, owners: 'root' };
    if (dockerfile !== undefined) return { ...(await this.#inside(tree)), time };
    return {
      ...opened({ ...(await readDockerfileInside(tree, 'context')), name: 'Dockerfile' }, tree),
      time,
    };
  }

  /** @param seconds Where it was last modified as a whole. */
  async #archive(content: AsyncIterable<Uint8Array>, seconds?: number): Promise<OpenedContext> {
    const { unpackContext } = await import('./archive-context.ts');
    const { scratch, signal } = this.#services;
    const { tree, newest } = await unpackContext(content, await scratch.make(), signal);
    return { ...(await this.#inside(tree)), time: async () => seconds ?? newest };
  }

  async #inside(tree: SourceTree): Promise<OpenedContext> {
    const given = await this.#givenDockerfile();
    return opened(given ?? (await readDockerfileInside(tree, this.#request.file)), tree);
  }

  /** A Dockerfile that is not to be looked for in the context. */
  async #givenDockerfile(): Promise<DockerfileText | undefined> {
    const { dockerfile, file = 'Dockerfile' } = this.#request;
    if (dockerfile !== undefined) return { name: file, bytes: dockerfile };
    if (!/^https?:\/\//.test(file) || !URL.canParse(file)) return undefined;
    const { path } = await downloaded(await this.#services.loadRemotes(), new URL(file));
    const { collectText, fileBytes } = await import('./archive-context.ts');
    return { name: file, bytes: await collectText(fileBytes(path)) };
  }
}

function opened(dockerfile: DockerfileText, tree: SourceTree): OpenedContext {
  const files = { tree, hasher: plainHasher, name: 'the build context' };
  return { dockerfile, files, save: async () => undefined };
}

/** @returns where it lies, and the seconds of Last-Modified */
async function downloaded(
  remotes: RemoteSources,
  url: URL,
): Promise<{ readonly path: string; readonly seconds?: number }> {
  const source = await remotes.http(url).open();
  if (source.kind !== 'file') throw new Error('a download is a file');
  const { location, mtime } = source.entry;
  const path = textOf(location);
  return mtime === 0 ? { path } : { path, seconds: Math.floor(mtime / 1000) };
}
