import { execFileSync } from 'node:child_process';
import { chmodSync, createReadStream, lstatSync, rmSync } from 'node:fs';
import type { TarEntry } from '../../../src/tar/entry.ts';
import { readTar } from '../../../src/tar/reader.ts';
import { type ByteString, fsPath } from '../../../src/util/byte-string.ts';

export async function entriesOf(archive: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const { entry } of readTar(createReadStream(archive))) entries.push(entry);
  return entries;
}

/** Another implementation of applying layers, to hold ours against: rm for what goes, GNU tar for what comes. */
export async function gnuApply(archive: string, root: string): Promise<void> {
  for (const { name, type } of await entriesOf(archive)) {
    const target = fsPath(`${root}/${name.replace(/\/$/, '').replace(/(^|\/)\.wh\./, '$1')}` as ByteString);
    const found = lstatSync(target, { throwIfNoEntry: false });
    if (found === undefined || (found.isDirectory() && type === 'directory')) continue;
    rmSync(target, { recursive: true });
  }
  const options = ['--numeric-owner', '--same-owner', '-p', '--xattrs', '--xattrs-include=user.*'];
  execFileSync('tar', ['-x', '-f', archive, '-C', root, ...options, '--exclude=.wh.*'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // tar leaves a new folder the setgid bit that it has from the one it is in, where the other bits are right.
  for (const { name, type, mode } of await entriesOf(archive))
    if (type === 'directory') chmodSync(fsPath(`${root}/${name}` as ByteString), mode);
}
