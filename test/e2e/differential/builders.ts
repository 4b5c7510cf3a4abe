import { join } from 'node:path';
import { DockerDaemon } from '../support/dockerd.ts';
import { run } from '../support/run.ts';
import type { Sandbox } from '../support/sandbox.ts';
import type { BuildCase } from './case.ts';
import { writeContext } from './context.ts';
import { type ArchivedImage, readImageArchive } from './image-archive.ts';

/** How a build ended: undefined well, else with what it said. */
export type Failure = string | undefined;

export interface BuiltCase {
  /** The image's name with both builders. */
  readonly tag: string;
  readonly hawser: Failure;
  readonly buildkit: Failure;
}

/**
 * Makes the images `bare`, busybox alone, and `busybox` with what a step needs to be mounted on, which BuildKit of 20.10
 * would leave in each layer otherwise.
 */
export async function makeBase(sandbox: Sandbox): Promise<void> {
  await sandbox.importBusybox('bare:latest');
  const folder = join(sandbox.folder, 'base');
  const empty = { kind: 'folder' } as const;
  await writeContext(folder, {
    Dockerfile: 'FROM bare\nCOPY root /\n',
    ...Object.fromEntries(['dev', 'proc', 'sys', 'run'].map(name => [`root/${name}`, empty])),
    'root/tmp': { ...empty, mode: 0o1777 },
    'root/etc/resolv.conf': '',
    'root/etc/hosts': '',
  });
  await sandbox.hawser('build', '-q', '-t', 'busybox', folder);
}

/** Runs `work` on all of `items`, a few at a time. */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const pending = items.entries();
  const worker = async () => {
    for (const [index, item] of pending) await work(item, index);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/** The context of a case on disk, with its Dockerfile beside the files unless they have one. */
async function prepare(sandbox: Sandbox, test: BuildCase, id: string): Promise<string> {
  const folder = join(sandbox.folder, 'contexts', id);
  const dockerfile = test.dockerfile.replaceAll('PARENT', `${id}-parent`);
  await writeContext(folder, { Dockerfile: dockerfile, ...test.files });
  if (test.parent !== undefined) await writeContext(`${folder}-parent`, { Dockerfile: test.parent });
  return folder;
}

const failed = (result: {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}): Failure => (result.code === 0 ? undefined : result.stdout + result.stderr);

/** Builds a case with hawser and, unless `daemon` is left out, with BuildKit. */
export async function buildCase(
  test: BuildCase,
  id: string,
  builders: { readonly sandbox: Sandbox; readonly daemon?: DockerDaemon },
): Promise<BuiltCase> {
  const { sandbox, daemon } = builders;
  const folder = await prepare(sandbox, test, id);
  const words = (test.args ?? []).map(word => word.replaceAll('CONTEXT', folder));
  const build = async (
    hawser: boolean,
    tag: string,
    context: string,
    args: readonly string[],
  ): Promise<Failure> => {
    const line = ['build', '-q', '-t', tag, ...args, context];
    if (hawser) return failed(await sandbox.try(line));
    return failed(await run(['/usr/bin/docker', ...line], { env: (daemon as DockerDaemon).env }));
  };
  const buildBoth = async (hawser: boolean): Promise<Failure> => {
    const parent =
      test.parent === undefined ? undefined : await build(hawser, `${id}-parent`, `${folder}-parent`, []);
    return parent ?? build(hawser, id, folder, words);
  };
  const hawser = await buildBoth(true);
  return { tag: `${id}:latest`, hawser, buildkit: daemon === undefined ? undefined : await buildBoth(false) };
}

/** The images of these names out of each builder's store. */
export async function exportImages(
  names: readonly string[],
  builders: { readonly sandbox: Sandbox; readonly daemon?: DockerDaemon },
): Promise<{
  readonly hawser: ReadonlyMap<string, ArchivedImage>;
  readonly buildkit: ReadonlyMap<string, ArchivedImage>;
}> {
  const { sandbox, daemon } = builders;
  const [ours, theirs] = [join(sandbox.folder, 'hawser.tar'), join(sandbox.folder, 'buildkit.tar')];
  await sandbox.hawser('image', 'save', '-o', ours, ...names);
  const hawser = await readImageArchive(ours);
  if (daemon === undefined) return { hawser, buildkit: new Map() };
  await daemon.docker('save', '-o', theirs, ...names);
  return { hawser, buildkit: await readImageArchive(theirs) };
}
