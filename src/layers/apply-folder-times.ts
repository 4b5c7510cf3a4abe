import { chmodSync, lstatSync } from 'node:fs';
import type { TarTime } from '../tar/entry.ts';
import { type ByteString, fsPath } from '../util/byte-string.ts';
import { setTime } from './apply-metadata.ts';

/** Of folders that a layer is put into, what has to wait until all is in them. Methods throw the system's errors. */
export class FolderTimes {
  readonly #times = new Map<ByteString, TarTime>();
  readonly #modes = new Map<ByteString, number>();

  /** @param mode To be set at the end as well, where it could keep the writer itself out. */
  set(folder: ByteString, time: TarTime, mode?: number): void {
    this.#times.set(folder, time);
    if (mode !== undefined) this.#modes.set(folder, mode);
  }

  /** A folder that the layer has no entry for keeps its time when something in it changes. */
  keep(folder: ByteString): void {
    if (this.#times.has(folder)) return;
    const { mtimeNs } = lstatSync(fsPath(folder), { bigint: true });
    const billion = 1_000_000_000n;
    const nanoseconds = ((mtimeNs % billion) + billion) % billion;
    const time = { seconds: Number((mtimeNs - nanoseconds) / billion), nanoseconds: Number(nanoseconds) };
    this.#times.set(folder, time);
  }

  /** Sets them, deepest first, of what is still a folder. */
  apply(isFolder: (path: ByteString) => boolean): void {
    const deepestFirst = [...this.#times].sort(([left], [right]) => right.length - left.length);
    for (const [path, time] of deepestFirst) {
      if (!isFolder(path)) continue;
      const mode = this.#modes.get(path);
      if (mode !== undefined) chmodSync(fsPath(path), mode);
      setTime(path, time);
    }
  }
}
