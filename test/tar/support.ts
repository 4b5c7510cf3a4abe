import type { TarEntry } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { type TarItem, writeTar } from '../../src/tar/writer.ts';

export interface ReadMember {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

export async function archiveOf(items: readonly TarItem[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(items)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function* chunksOf(archive: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

export async function membersOf(archive: Buffer, chunkSize = 1000): Promise<ReadMember[]> {
  const members: ReadMember[] = [];
  for await (const { entry, body } of readTar(chunksOf(archive, chunkSize))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
    members.push({ entry, content: Buffer.concat(chunks) });
  }
  return members;
}
