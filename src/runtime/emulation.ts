import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { formatPlatform, hostPlatform, type Platform } from '../image/platform.ts';
import { resolveInRootfs } from './rootfs-path.ts';

/** What the kernel knows of a foreign program's header: ELF class (1: 32 bits), byte order (1: little), machine. */
type Header = readonly [bits: 1 | 2, order: 1 | 2, machine: number];

/** e_machine of elf(5), by GOARCH. */
const headers: Readonly<Record<string, Header>> = {
  amd64: [2, 1, 62],
  '386': [1, 1, 3],
  arm64: [2, 1, 183],
  arm: [1, 1, 40],
  riscv64: [2, 1, 243],
  ppc64le: [2, 1, 21],
  s390x: [2, 2, 22],
  mips64le: [2, 1, 8],
  mips64: [2, 2, 8],
  loong64: [2, 1, 258],
};

/** Architectures whose programs processors of another one run. */
const compatible: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

/** The first 20 bytes of an executable of the architecture. */
function elfHeader([bits, order, machine]: Header): Buffer {
  const header = Buffer.alloc(20);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, order, 1]);
  const write = (value: number, at: number) =>
    order === 1 ? header.writeUInt16LE(value, at) : header.writeUInt16BE(value, at);
  write(2, 16); // ET_EXEC
  write(machine, 18);
  return header;
}

interface Emulator {
  readonly interpreter: string;
  /** Opened when it was registered, so that it need not be in the rootfs. */
  readonly isFixed: boolean;
}

/** Whether a program with this header is an emulator's. */
function accepts(registration: string, header: Buffer): boolean {
  const field = (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(registration)?.[1];
  const magic = Buffer.from(field('magic') ?? '', 'hex');
  if (!registration.startsWith('enabled') || magic.length === 0) return false;
  const mask = Buffer.from(field('mask') ?? 'ff'.repeat(magic.length), 'hex');
  const offset = Number(field('offset') ?? 0);
  return magic.every((byte, index) => {
    const bits = mask[index] ?? 0xff;
    return ((header[offset + index] ?? 0) & bits) === (byte & bits);
  });
}

/** The emulator that is registered with binfmt_misc: kernel.org, admin-guide/binfmt-misc.html */
function findEmulator(folder: string, header: Buffer): Emulator | undefined {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  for (const name of names.filter(entry => entry !== 'register' && entry !== 'status')) {
    const registration = readFileSync(join(folder, name), 'utf8');
    const interpreter = /^interpreter (.+)$/m.exec(registration)?.[1];
    if (interpreter === undefined || !accepts(registration, header)) continue;
    return { interpreter, isFixed: /^flags:.*F/m.test(registration) };
  }
  return undefined;
}

/**
 * Makes sure that programs of a platform run here: on this processor, or by emulation.
 *
 * @param options.folder Where binfmt_misc is mounted.
 * @throws HawserError UNSUPPORTED
 */
export function requireRunnable(
  platform: Platform,
  options: { readonly rootfs: string; readonly folder?: string; readonly host?: Platform },
): void {
  const { rootfs, folder = '/proc/sys/fs/binfmt_misc', host = hostPlatform() } = options;
  const { os, architecture } = platform;
  const name = formatPlatform(platform);
  if (os === host.os && architecture === host.architecture) return;
  if (os === host.os && compatible[host.architecture]?.includes(architecture) === true) return;
  const header = headers[architecture];
  const crossBuild = 'build in a stage that is FROM --platform=$BUILDPLATFORM and copy from there';
  if (os !== host.os || header === undefined) {
    throw new HawserError('UNSUPPORTED', `a RUN step for ${name} cannot run on ${formatPlatform(host)}`, {
      remedy: `There is no emulation of it: ${crossBuild}.`,
    });
  }
  const emulator = findEmulator(folder, elfHeader(header));
  if (emulator?.isFixed === true) return;
  if (emulator !== undefined && existsSync(resolveInRootfs(rootfs, emulator.interpreter))) return;
  const why =
    emulator === undefined ? 'no emulator is registered' : `${emulator.interpreter} is not in the image`;
  const remedy =
    emulator === undefined
      ? `Install the packages qemu-user-static and binfmt-support, or ${crossBuild}.`
      : `Register it with the flag F, as the package qemu-user-static does, or ${crossBuild}.`;
  throw new HawserError(
    'UNSUPPORTED',
    `a RUN step for ${name} cannot run on ${formatPlatform(host)}: ${why}`,
    { remedy },
  );
}
