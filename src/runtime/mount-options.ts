import { HawserError } from '../errors/hawser-error.ts';
import type { ContainerMount } from './container-types.ts';
import { checkVolumeName } from './volumes.ts';

function wrong(flag: string, text: string, why: string): HawserError {
  const remedy =
    flag === '-v'
      ? 'Use [SOURCE:]TARGET[:ro], TARGET being absolute.'
      : 'Use type=bind|volume|tmpfs,source=…,target=…[,readonly].';
  return new HawserError('INVALID_ARGUMENT', `${flag} ${JSON.stringify(text)}: ${why}`, {
    remedy,
    exitCode: 125,
  });
}

function checkTarget(flag: string, text: string, target: string): string {
  if (!target.startsWith('/'))
    throw wrong(flag, text, `the target ${JSON.stringify(target)} is not absolute`);
  if (/^\/+$/.test(target)) throw wrong(flag, text, 'the target cannot be /');
  return target;
}

/** `-v`: `[SOURCE:]TARGET[:ro|rw]`. A relative source that begins with `.` is resolved by the caller's `resolve`. */
export function parseVolumeFlag(text: string, resolve: (path: string) => string): ContainerMount {
  const parts = text.split(':');
  const mode = parts.length > 1 && !(parts.at(-1) ?? '').startsWith('/') ? parts.pop() : undefined;
  const options = mode?.split(',') ?? [];
  // z and Z relabel for SELinux, which hawser leaves alone.
  const unknown = options.find(
    option => !['ro', 'rw', 'z', 'Z', 'cached', 'delegated', 'consistent'].includes(option),
  );
  if (unknown !== undefined) throw wrong('-v', text, `unknown mode ${JSON.stringify(unknown)}`);
  if (parts.length > 2) throw wrong('-v', text, 'too many colons');
  const target = checkTarget('-v', text, parts.at(-1) ?? '');
  const source = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const readOnly = options.includes('ro') ? { readOnly: true } : {};
  if (source === undefined) return { type: 'volume', target, ...readOnly };
  if (source === '') throw wrong('-v', text, 'the source is empty');
  if (/^[./~]/.test(source)) return { type: 'bind', source: resolve(source), target, ...readOnly };
  return { type: 'volume', name: checkVolumeName(source), target, ...readOnly };
}

function parseBytes(text: string): number | undefined {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (match === null) return undefined;
  const factor = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? '').toLowerCase()] ?? 1;
  return Number(match[1]) * factor;
}

function tmpfsSettings(fields: ReadonlyMap<string, string>, wrongValue: (why: string) => HawserError) {
  const size = fields.get('tmpfs-size') ?? fields.get('size');
  const mode = fields.get('tmpfs-mode') ?? fields.get('mode');
  const bytes = size === undefined ? undefined : parseBytes(size);
  if (size !== undefined && bytes === undefined) throw wrongValue(`${JSON.stringify(size)} is not a size`);
  if (mode !== undefined && !/^[0-7]{3,5}$/.test(mode))
    throw wrongValue(`${JSON.stringify(mode)} is not a mode`);
  return {
    ...(bytes === undefined ? {} : { size: bytes }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
  };
}

const known =
  'type source src target dst destination readonly ro tmpfs-size tmpfs-mode size mode bind-propagation volume-nocopy'.split(
    ' ',
  );

/** `--mount`: `type=bind|volume|tmpfs,source=…,target=…[,readonly]`. */
export function parseMountFlag(text: string, resolve: (path: string) => string): ContainerMount {
  const fields = new Map(
    text.split(',').map(field => {
      const cut = field.indexOf('=');
      return cut < 0 ? [field, 'true'] : [field.slice(0, cut), field.slice(cut + 1)];
    }),
  );
  const unknown = [...fields.keys()].find(name => !known.includes(name));
  if (unknown !== undefined) throw wrong('--mount', text, `unknown field ${JSON.stringify(unknown)}`);
  const type = fields.get('type') ?? 'volume';
  const rawTarget = fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? '';
  const target = checkTarget('--mount', text, rawTarget);
  const source = fields.get('source') ?? fields.get('src');
  const flag = fields.get('readonly') ?? fields.get('ro');
  const readOnly = flag !== undefined && !['false', '0'].includes(flag) ? { readOnly: true } : {};
  if (type === 'tmpfs') {
    return { type, target, ...readOnly, ...tmpfsSettings(fields, why => wrong('--mount', text, why)) };
  }
  if (type === 'volume') {
    const name = source === undefined || source === '' ? {} : { name: checkVolumeName(source) };
    return { type, ...name, target, ...readOnly };
  }
  if (type !== 'bind') throw wrong('--mount', text, `unknown type ${JSON.stringify(type)}`);
  if (source === undefined || source === '') throw wrong('--mount', text, 'a bind needs a source');
  return { type, source: resolve(source), target, ...readOnly, mustExist: true };
}

/** `--tmpfs`: `TARGET[:size=64m,mode=1777,…]`. */
export function parseTmpfsFlag(text: string): ContainerMount {
  const cut = text.indexOf(':');
  const target = checkTarget('--tmpfs', text, cut < 0 ? text : text.slice(0, cut));
  const options = cut < 0 ? [] : text.slice(cut + 1).split(',');
  const fields = new Map(options.map(option => [option.split('=')[0] ?? '', option.split('=')[1] ?? '']));
  const readOnly = options.includes('ro') ? { readOnly: true } : {};
  return { type: 'tmpfs', target, ...readOnly, ...tmpfsSettings(fields, why => wrong('--tmpfs', text, why)) };
}
