import { open } from 'node:fs/promises';
import { type TarItem, writeTar } from '../tar/writer.ts';
import { throwIfAborted } from '../util/abort.ts';
import { type ByteString, fsPath } from '../util/byte-string.ts';
import { type DiffItem, type DiffOptions, diffTree } from './diff-tree.ts';

export interface ExportOptions extends DiffOptions {
  readonly signal?: AbortSignal | undefined;
}

async function* contentOf(path: ByteString): AsyncGenerator<Uint8Array> {
  const file = await open(fsPath(path), 'r');
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(256 * 1024));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function* tarItems(items: Iterable<DiffItem>, signal: AbortSignal | undefined): Generator<TarItem> {
  for (const { entry, path } of items) {
    throwIfAborted(signal);
    yield path === undefined ? { entry } : { entry, body: contentOf(path) };
  }
}

/**
 * The whole tree at `root` as an archive, by the rules of layers: for `container export` and `--output type=tar`. The
 * tree must not change meanwhile.
 *
 * @throws HawserError TAR_INVALID where a file became shorter or longer while it was read, LAYER_INVALID, ABORTED
 */
export function exportTree(root: string, options: ExportOptions = {}): AsyncIterable<Uint8Array> {
  const { signal, ...diffOptions } = options;
  return writeTar(tarItems(diffTree({ kind: 'copy', upper: root, lowers: [] }, diffOptions), signal));
}
