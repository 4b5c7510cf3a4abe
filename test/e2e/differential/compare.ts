import { textOf } from '../../../src/util/byte-string.ts';
import type { ArchivedImage, ArchiveEntry } from './image-archive.ts';

/** What a layer says of one path, by field; all are texts, so that they can be compared and shown. */
type PathFacts = Readonly<Record<string, string>>;

export interface CompareOptions {
  /** Seconds since 1970: what is as late as this has the time of the build, which nothing determines. */
  readonly start: number;
}

/** The differences of two images, a line each: `layer 1 /etc/x mode: 644, BuildKit 600`. Empty where they are equal. */
export function compareImages(ours: ArchivedImage, theirs: ArchivedImage, options: CompareOptions): string[] {
  const lines = [...compareConfigs(ours, theirs), ...compareHistories(ours, theirs)];
  const [ourLayers, theirLayers] = [describeLayers(ours, options), describeLayers(theirs, options)];
  if (ourLayers.length !== theirLayers.length) {
    lines.push(differs('layers', ourLayers.length, theirLayers.length));
  }
  for (const [index, layer] of ourLayers.entries()) {
    const other = theirLayers[index];
    if (other !== undefined) lines.push(...compareLayers(layer, other).map(line => `layer ${index} ${line}`));
  }
  return lines;
}

function differs(what: string, ours: unknown, theirs: unknown): string {
  return `${what}: ${ours ?? 'nothing'}, BuildKit ${theirs ?? 'nothing'}`;
}

function compareConfigs(ours: ArchivedImage, theirs: ArchivedImage): string[] {
  const lines: string[] = [];
  const fields = (config: Readonly<Record<string, unknown>>) =>
    new Map(
      Object.entries(config).flatMap(([name, value]) =>
        isEmpty(value) ? [] : [[name, JSON.stringify(sorted(value))]],
      ),
    );
  const compare = (prefix: string, left: Map<string, string>, right: Map<string, string>) => {
    for (const name of new Set([...left.keys(), ...right.keys()])) {
      if (left.get(name) !== right.get(name))
        lines.push(differs(`${prefix}${name}`, left.get(name), right.get(name)));
    }
  };
  const platform = ({ config: { os, architecture, variant, author } }: ArchivedImage) =>
    fields({ os, architecture, variant, author });
  compare('', platform(ours), platform(theirs));
  compare('config.', fields(ours.config.config ?? {}), fields(theirs.config.config ?? {}));
  return lines;
}

/** Go leaves out what is empty, or writes null; neither means anything. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** With the keys of maps in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function compareHistories(ours: ArchivedImage, theirs: ArchivedImage): string[] {
  const textsOf = (image: ArchivedImage): string[] =>
    (image.config.history ?? []).map(
      entry => `${entry.created_by ?? ''}${entry.empty_layer === true ? ' (empty)' : ''}`,
    );
  const [left, right] = [textsOf(ours), textsOf(theirs)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => index)
    .filter(index => left[index] !== right[index])
    .map(index => differs(`history ${index}`, left[index], right[index]));
}

function compareLayers(
  ours: ReadonlyMap<string, PathFacts>,
  theirs: ReadonlyMap<string, PathFacts>,
): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [left, right] = [ours.get(path), theirs.get(path)];
    if (left === undefined || right === undefined) {
      lines.push(differs(`/${path}`, left && summary(left), right && summary(right)));
      continue;
    }
    for (const field of new Set([...Object.keys(left), ...Object.keys(right)])) {
      if (left[field] !== right[field]) lines.push(differs(`/${path} ${field}`, left[field], right[field]));
    }
  }
  return lines;
}

export function summary({ type, mode, owner, link }: PathFacts): string {
  return [type, mode, owner, link].filter(text => text !== undefined).join(' ');
}

/** Layer by layer: path → what the layer says of it, with opaque folders written out as the whiteouts that they stand for. */
export function describeLayers(
  image: ArchivedImage,
  options: CompareOptions,
): readonly ReadonlyMap<string, PathFacts>[] {
  const present = new Map<string, string>();
  return image.layers.map(entries => {
    const layer = describeLayer(entries, options);
    expandOpaque(layer, present);
    for (const [path, { type = '' }] of layer) {
      const removed = whitedOut(path);
      for (const old of present.keys()) {
        const gone = removed ?? (type === 'directory' ? undefined : path);
        if (gone !== undefined && (old === gone || old.startsWith(`${gone}/`))) present.delete(old);
      }
      if (removed === undefined) present.set(path, type);
    }
    return layer;
  });
}

function describeLayer(entries: readonly ArchiveEntry[], { start }: CompareOptions): Map<string, PathFacts> {
  const nameOf = (name: ArchiveEntry['name']) =>
    textOf(name)
      .replace(/^\.?\//, '')
      .replace(/\/$/, '');
  const firsts = new Map(entries.map(entry => [nameOf(entry.name), entry]));
  const groups = new Map<string, string[]>();
  for (const entry of entries.filter(({ type }) => type === 'link')) {
    const target = nameOf(entry.linkname);
    const group = groups.get(target) ?? [target];
    group.push(nameOf(entry.name));
    groups.set(target, group);
    groups.set(nameOf(entry.name), group);
  }
  const layer = new Map<string, PathFacts>();
  for (const entry of entries) {
    const path = nameOf(entry.name);
    const file = entry.type === 'link' ? (firsts.get(nameOf(entry.linkname)) ?? entry) : entry;
    const seconds = file.mtime.seconds;
    layer.set(path, {
      type: file.type,
      // Docker 20.10 gives whiteouts 600 where BuildKit gives them 0
      mode: path.includes('.wh.') ? '' : file.mode.toString(8),
      owner: `${file.uid}:${file.gid}`,
      mtime: path.includes('.wh.') ? '' : seconds >= start ? 'now' : String(seconds),
      ...(file.type === 'file' ? { size: String(file.size), content: file.content ?? '' } : {}),
      ...(file.type === 'symlink' ? { link: textOf(file.linkname) } : {}),
      ...(file.type.endsWith('device') ? { device: `${file.devmajor}:${file.devminor}` } : {}),
      ...(groups.has(path) ? { names: (groups.get(path) as string[]).sort().join(' ') } : {}),
      ...(file.xattrs.size > 0
        ? {
            xattrs: [...file.xattrs]
              .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
              .join(' '),
          }
        : {}),
    });
  }
  layer.delete('');
  layer.delete('.');
  return layer;
}

const opaque = '.wh..wh..opq';
const whiteout: PathFacts = {
  type: 'file',
  mode: '',
  owner: '0:0',
  mtime: '',
  size: '0',
  content: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

/** The path that a whiteout takes away. */
function whitedOut(path: string): string | undefined {
  const [, folder = '', name] = /^(.*\/)?\.wh\.(.+)$/.exec(path) ?? [];
  return name === undefined ? undefined : `${folder}${name}`;
}

function expandOpaque(layer: Map<string, PathFacts>, present: ReadonlyMap<string, string>): void {
  for (const marker of [...layer.keys()].filter(path => path === opaque || path.endsWith(`/${opaque}`))) {
    layer.delete(marker);
    hideBelow(marker.slice(0, -opaque.length), layer, present);
  }
}

/** @param folder With a `/` at its end. */
function hideBelow(
  folder: string,
  layer: Map<string, PathFacts>,
  present: ReadonlyMap<string, string>,
): void {
  for (const path of present.keys()) {
    const name = path.startsWith(folder) ? path.slice(folder.length) : '';
    if (name === '' || name.includes('/')) continue;
    const now = layer.get(path);
    if (now === undefined) layer.set(`${folder}.wh.${name}`, whiteout);
    else if (now.type === 'directory') hideBelow(`${path}/`, layer, present);
  }
}
