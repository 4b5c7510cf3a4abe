import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildImage } from '../../src/builder/build.ts';
import type { BuildEnvironment, BuildOptions, BuildResult } from '../../src/builder/environment.ts';
import type { BuildObserver } from '../../src/builder/observer.ts';
import { importArchive } from '../../src/content/archive/import.ts';
import { openLayoutStore } from '../../src/content/layout-store.ts';
import { loadImage, type StoredImage } from '../../src/content/resolve-image.ts';
import type { LayoutStore } from '../../src/content/store.ts';
import { type HawserError, isHawserError } from '../../src/errors/hawser-error.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { runStep } from '../../src/runtime/run-step.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { type TarItem, tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString, textOf } from '../../src/util/byte-string.ts';

/** A file of a context by path: content, or more about it. */
export type ContextFile =
  | string
  | { readonly content?: string; readonly mode?: number; readonly link?: string; readonly folder?: true };

/** What the observer was told, e.g. `cached [2/3] RUN …`. */
export class Log implements BuildObserver {
  readonly events: string[] = [];
  output = '';
  vertexStarted(): void {}
  vertexOutput(_vertex: unknown, _stream: unknown, chunk: Uint8Array): void {
    this.output += Buffer.from(chunk).toString();
  }
  vertexCached({ name }: { readonly name: string }): void {
    this.events.push(`cached ${name}`);
  }
  vertexDone({ name }: { readonly name: string }): void {
    this.events.push(`done ${name}`);
  }
  vertexFailed({ name }: { readonly name: string }): void {
    this.events.push(`failed ${name}`);
  }
  /** The steps only, without the export. */
  get steps(): readonly string[] {
    return this.events.filter(event => !/exporting|\[internal\]/.test(event));
  }
}

/** A hawser root of its own, with a base image `busybox` where busybox is installed. */
export class BuildSandbox {
  readonly folder: string;
  readonly store: LayoutStore;

  constructor(folder: string, store: LayoutStore) {
    this.folder = folder;
    this.store = store;
  }

  static async open(): Promise<BuildSandbox> {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-build-'));
    return new BuildSandbox(folder, await openLayoutStore(join(folder, 'root/images')));
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  environment(change: Partial<BuildEnvironment> = {}): BuildEnvironment {
    const run = this.path('run');
    return {
      store: this.store,
      cacheRoot: this.path('root/build-cache'),
      run,
      openSnapshotter: () => openSnapshotter({ root: this.path('root/snapshots'), run }),
      loadRunStep: async () => runStep,
      ...change,
    };
  }

  /** Replaces the context `name` by these files. */
  context(files: Readonly<Record<string, ContextFile>>, name = 'context'): string {
    const root = this.path(name);
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root);
    for (const [path, file] of Object.entries(files)) writeContextFile(join(root, path), file);
    return root;
  }

  async build(
    context: string,
    options: Partial<BuildOptions> = {},
    change: Partial<BuildEnvironment> = {},
  ): Promise<BuildResult & { readonly image: StoredImage; readonly log: Log }> {
    const log = new Log();
    const result = await buildImage({ context, ...options }, this.environment({ observer: log, ...change }));
    return { ...result, log, image: await loadImage(this.store, { descriptor: result.descriptor }) };
  }

  /** The entries of a layer, e.g. `-0644 0:0 a/file` or `l0777 0:0 a/link -> target`. */
  async layer(image: StoredImage, index: number): Promise<readonly string[]> {
    const descriptor = image.manifest.value.layers.at(index);
    if (descriptor === undefined) throw new Error(`no layer ${index}`);
    const lines: string[] = [];
    for await (const { entry } of readTar(this.store.open(descriptor.digest))) {
      const type = { directory: 'd', symlink: 'l', link: 'h', file: '-' }[entry.type as string] ?? entry.type;
      const mode = entry.mode.toString(8).padStart(4, '0');
      const target = entry.linkname === '' ? '' : ` -> ${textOf(entry.linkname)}`;
      lines.push(`${type}${mode} ${entry.uid}:${entry.gid} ${textOf(entry.name)}${target}`);
    }
    return lines;
  }

  async fileIn(image: StoredImage, path: string): Promise<string | undefined> {
    let content: string | undefined;
    for (const { digest } of image.manifest.value.layers) {
      for await (const { entry, body } of readTar(this.store.open(digest))) {
        if (textOf(entry.name) !== path) continue;
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(Buffer.from(chunk));
        content = Buffer.concat(chunks).toString();
      }
    }
    return content;
  }
}

function writeContextFile(path: string, file: ContextFile): void {
  const { content = '', mode, link, folder } = typeof file === 'string' ? { content: file } : file;
  mkdirSync(dirname(path), { recursive: true });
  if (link !== undefined) symlinkSync(link, path);
  else if (folder) mkdirSync(path, { recursive: true });
  else writeFileSync(path, content);
  if (mode !== undefined) chmodSync(path, mode);
}

const busybox = '/bin/busybox';
const applets = [
  'sh',
  'ls',
  'cat',
  'echo',
  'id',
  'mkdir',
  'chmod',
  'rm',
  'env',
  'sleep',
  'pwd',
  'touch',
  'mv',
  'stat',
];

/** Why RUN cannot be tried here; undefined where it can. */
export function whyNoRun(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  return existsSync(busybox) ? undefined : 'busybox-static is not installed';
}

/** Puts the image `busybox` into the store: busybox, users, and a config that its children inherit. */
export async function addBusybox(store: LayoutStore): Promise<void> {
  const { readFileSync } = await import('node:fs');
  const folder = (name: string): TarItem => ({
    entry: tarEntry({ type: 'directory', name: byteString(name) }),
  });
  const items: TarItem[] = [
    ...['bin', 'etc', 'tmp', 'root'].map(folder),
    tarItem(tarEntry({ type: 'file', name: byteString('bin/busybox'), mode: 0o755 }), readFileSync(busybox)),
    ...applets.map(name => ({
      entry: tarEntry({ type: 'symlink', name: byteString(`bin/${name}`), linkname: byteString('busybox') }),
    })),
    tarItem(
      tarEntry({ type: 'file', name: byteString('etc/passwd') }),
      Buffer.from('root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n'),
    ),
    tarItem(
      tarEntry({ type: 'file', name: byteString('etc/group') }),
      Buffer.from('root:x:0:\napp:x:1001:\n'),
    ),
  ];
  await importArchive(store, writeTar(items), {
    name: 'docker.io/library/busybox:latest',
    config: { Cmd: ['sh'], Labels: { base: 'yes' }, Env: ['FROM_BASE=1'] },
    created: 0,
  });
}

/** The HawserError that `work` ends with. */
export async function errorOf(work: () => Promise<unknown>): Promise<HawserError> {
  try {
    await work();
  } catch (error) {
    if (isHawserError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
