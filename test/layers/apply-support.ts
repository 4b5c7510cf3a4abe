import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppliedLayer } from '../../src/layers/apply.ts';
import { type ApplyJob, runApplyJob } from '../../src/layers/apply-job.ts';
import { type TarEntry, tarEntry } from '../../src/tar/entry.ts';
import { type TarItem, tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';

type Fields = Partial<Omit<TarEntry, 'name' | 'linkname' | 'type'>>;

export const file = (name: string, content = name, fields: Fields = {}): TarItem =>
  tarItem(tarEntry({ type: 'file', name: byteString(name), ...fields }), Buffer.from(content));
export const folder = (name: string, fields: Fields = {}): TarItem => ({
  entry: tarEntry({ type: 'directory', name: byteString(name), ...fields }),
});
export const symlink = (name: string, target: string, fields: Fields = {}): TarItem => ({
  entry: tarEntry({
    type: 'symlink',
    name: byteString(name),
    linkname: byteString(target),
    mode: 0o777,
    ...fields,
  }),
});
export const hardlink = (name: string, target: string): TarItem => ({
  entry: tarEntry({ type: 'link', name: byteString(name), linkname: byteString(target) }),
});
export const device = (name: string, fields: Fields & { readonly type: TarEntry['type'] }): TarItem => ({
  entry: tarEntry({ name: byteString(name), ...fields }),
});

/** A folder with a `root` to apply into and an `outside` that no layer may touch. */
export class Ground {
  readonly folder: string;
  readonly root: string;
  readonly outside: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'hawser-apply-'));
    this.root = join(this.folder, 'root');
    this.outside = join(this.folder, 'outside');
    for (const path of [this.root, this.outside]) mkdirSync(path);
    writeFileSync(join(this.outside, 'secret'), 'HOST');
  }

  async apply(items: readonly TarItem[], options: Partial<ApplyJob> = {}): Promise<AppliedLayer> {
    const path = join(this.folder, 'layer.tar');
    const chunks: Uint8Array[] = [];
    for await (const chunk of writeTar(items)) chunks.push(chunk);
    writeFileSync(path, Buffer.concat(chunks));
    return this.applyFile(path, options);
  }

  applyFile(path: string, options: Partial<ApplyJob> = {}): Promise<AppliedLayer> {
    const source = { path, compression: 'uncompressed' } as const;
    return runApplyJob({
      source,
      root: this.root,
      whiteouts: 'remove',
      limits: {},
      diffID: undefined,
      digest: true,
      ...options,
    });
  }

  /** The paths in the root; folders end with `/`, symlinks show their target, files their content. */
  tree(path: string = this.root): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    const walk = (folder: string, prefix: string) => {
      for (const name of readdirSync(folder).sort()) {
        const at = join(folder, name);
        const stat = lstatSync(at);
        if (stat.isDirectory()) {
          found[`${prefix}${name}/`] = '';
          walk(at, `${prefix}${name}/`);
        } else if (stat.isSymbolicLink()) found[prefix + name] = `-> ${readlinkSync(at)}`;
        else found[prefix + name] = stat.isFile() ? readFileSync(at, 'utf8') : 'special';
      }
    };
    walk(path, '');
    return found;
  }

  /** Everything of `outside`, with what an attack might change. */
  outsideState(): string {
    const rows = [
      this.outside,
      ...Object.keys(this.tree(this.outside)).map(name => join(this.outside, name)),
    ];
    const state = rows.map(path => {
      const { mode, uid, gid, nlink, mtimeMs, size } = lstatSync(path);
      return [path, mode, uid, gid, nlink, mtimeMs, size].join(' ');
    });
    return JSON.stringify([
      state,
      this.tree(this.outside),
      readdirSync(this.folder).filter(name => name !== 'layer.tar'),
    ]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
