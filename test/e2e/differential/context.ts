import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTar } from '../../../src/tar/writer.ts';
import type { CaseFile } from './case.ts';

/** 2020-01-02T03:04:05Z */
const defaultTime = 1_577_934_245;

/** Writes the files of a case below the new folder `root`. */
export async function writeContext(root: string, files: Readonly<Record<string, CaseFile>>): Promise<void> {
  mkdirSync(root, { recursive: true });
  const times: [string, number][] = [];
  for (const [name, file] of Object.entries(files)) {
    const path = join(root, name);
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder))
      times.push([join(root, folder), defaultTime]);
    mkdirSync(dirname(path), { recursive: true });
    const details = typeof file === 'string' || file instanceof Uint8Array ? { content: file } : file;
    await writeOne(root, path, details);
    if (details.owner !== undefined) chownSync(path, ...details.owner);
    if (details.mode !== undefined) chmodSync(path, details.mode);
    times.push([path, details.mtime ?? defaultTime]);
  }
  for (const [path, time] of times) lutimesSync(path, time, time);
  lutimesSync(root, defaultTime, defaultTime);
}

async function writeOne(
  root: string,
  path: string,
  details: Exclude<CaseFile, string | Uint8Array>,
): Promise<void> {
  const { content = '', link, hardlink, kind, archive } = details;
  if (link !== undefined) return symlinkSync(link, path);
  if (hardlink !== undefined) return linkSync(join(root, hardlink), path);
  if (kind === 'folder') return void mkdirSync(path, { recursive: true });
  if (kind === 'fifo') return void execFileSync('mkfifo', [path]);
  if (kind === 'socket') return makeSocket(path);
  if (archive === undefined) return writeFileSync(path, content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(archive)) chunks.push(Buffer.from(chunk));
  const bytes = Buffer.concat(chunks);
  const { compress } = details;
  writeFileSync(path, compress === undefined ? bytes : execFileSync(compress, ['-c'], { input: bytes }));
}

/** What a server that is gone has left. */
async function makeSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' });
  } catch {
    // it kills itself, so that the socket stays
  }
}
