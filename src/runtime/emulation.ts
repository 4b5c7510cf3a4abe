import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { formatPlatform, hostPlatform, type Platform } from '../image/platform.ts';
import { namesInSync } from '../util/names-in.ts';
import { exitProgram, knownArchitectures } from './exit-program.ts';
import { resolveInRootfs } from './rootfs-path.ts';

/** Architectures whose programs processors of another one run. */
const compatible: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

/** Bytes of a program that the kernel compares, at most: BINPRM_BUF_SIZE. */
const COMPARED = 256;

interface Emulator {
  readonly interpreter: string;
  /** Opened when it was registered, so that it need not be in the rootfs. */
  readonly isFixed: boolean;
}

/** Whether a program is an emulator's; those that go by a file's extension are nobody's emulators. */
function accepts(registration: string, program: Buffer): boolean {
  const field = (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(registration)?.[1];
  const magic = Buffer.from(field('magic') ?? '', 'hex');
  if (!registration.startsWith('enabled\n') || magic.length === 0) return false;
  const mask = Buffer.from(field('mask') ?? 'ff'.repeat(magic.length), 'hex');
  const offset = Number(field('offset') ?? 0);
  return magic.every((byte, index) => {
    const bits = mask[index] ?? 0xff;
    return ((program[offset + index] ?? 0) & bits) === (byte & bits);
  });
}

/** Of all that would take the program, one that needs nothing in the rootfs, if there is one. */
function findEmulator(folder: string, names: readonly string[], program: Buffer): Emulator | undefined {
  const found: Emulator[] = [];
  for (const name of names) {
    if (name === 'register' || name === 'status') continue;
    const registration = readFileSync(join(folder, name), 'utf8');
    const interpreter = /^interpreter (.+)$/m.exec(registration)?.[1];
    if (interpreter === undefined || !accepts(registration, program)) continue;
    found.push({ interpreter, isFixed: /^flags:.*F/m.test(registration) });
  }
  return found.find(({ isFixed }) => isFixed) ?? found[0];
}

/** In a container the emulators of the machine are at work, though binfmt_misc is not mounted. */
function runsHere(program: Buffer): boolean {
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), 'hawser-emulation-'));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false; // without a temporary folder nobody knows
  }
  try {
    const path = join(folder, 'exit');
    writeFileSync(path, program, { mode: 0o755 });
    // libc gives what no kernel runs to a shell: it does no harm in an empty folder.
    return spawnSync(path, { cwd: folder, stdio: 'ignore' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What keeps programs of another platform from running. */
interface Obstacle {
  readonly why: string;
  /** Without a stop at its end. */
  readonly remedy?: string;
}

/** The format of its files: kernel.org, admin-guide/binfmt-misc.html */
function obstacleTo(program: Buffer, folder: string, rootfs: string | undefined): Obstacle | undefined {
  const none = {
    why: 'no emulator is registered',
    remedy: 'Install the packages qemu-user-static and binfmt-support',
  };
  const names = namesInSync(folder);
  if (!names.includes('status')) return runsHere(program) ? undefined : none;
  if (readFileSync(join(folder, 'status'), 'utf8').trim() === 'disabled') {
    return { why: 'binfmt_misc is disabled', remedy: `Write 1 to ${join(folder, 'status')}` };
  }
  const emulator = findEmulator(folder, names, program);
  if (emulator === undefined) return none;
  if (emulator.isFixed) return undefined;
  if (rootfs !== undefined && existsSync(resolveInRootfs(rootfs, emulator.interpreter))) return undefined;
  return {
    why: `${emulator.interpreter} is not in the image`,
    remedy: 'Register it with the flag F, as the package qemu-user-static does',
  };
}

const mountPoint = '/proc/sys/fs/binfmt_misc';

/** What the kernel compares of a program, and enough to run it. */
function programFor(architecture: string): Buffer | undefined {
  const program = exitProgram(architecture);
  return program === undefined ? undefined : Buffer.concat([program, Buffer.alloc(COMPARED)]);
}

/** Whether programs of an architecture run on the processor itself. */
function isNative(architecture: string, host: string): boolean {
  return architecture === host || compatible[host]?.includes(architecture) === true;
}

/** Architectures whose programs run here, and those of them that run in every image by emulation. */
export function runnableArchitectures(): {
  readonly native: readonly string[];
  readonly emulated: readonly string[];
} {
  const host = hostPlatform().architecture;
  const native = knownArchitectures.filter(architecture => isNative(architecture, host));
  const emulated = knownArchitectures.filter(architecture => {
    const program = native.includes(architecture) ? undefined : programFor(architecture);
    return program !== undefined && obstacleTo(program, mountPoint, undefined) === undefined;
  });
  return { native, emulated };
}

interface RunnableOptions {
  /** Where an emulator is looked for that is in the image; undefined for nowhere. */
  readonly rootfs?: string;
  /** Where binfmt_misc is mounted. */
  readonly folder?: string;
  readonly host?: Platform;
}

/** Undefined where programs of a platform run here, on this processor or by emulation. */
export function obstacleFor(platform: Platform, options: RunnableOptions = {}): Obstacle | undefined {
  const { rootfs, folder = mountPoint, host = hostPlatform() } = options;
  const { os, architecture } = platform;
  if (os === host.os && isNative(architecture, host.architecture)) return undefined;
  const program = os === host.os ? programFor(architecture) : undefined;
  return program === undefined ? { why: 'there is no emulation of it' } : obstacleTo(program, folder, rootfs);
}

/** Makes sure that a RUN step for a platform can run. @throws HawserError UNSUPPORTED */
export function requireRunnable(platform: Platform, options: RunnableOptions): void {
  const obstacle = obstacleFor(platform, options);
  if (obstacle === undefined) return;
  const { host = hostPlatform() } = options;
  const { why, remedy } = obstacle;
  const what = `a RUN step for ${formatPlatform(platform)} cannot run on ${formatPlatform(host)}`;
  const crossBuild = 'build in a stage that is FROM --platform=$BUILDPLATFORM and copy from there';
  throw new HawserError('UNSUPPORTED', `${what}: ${why}`, {
    remedy: remedy === undefined ? `Instead, ${crossBuild}.` : `${remedy}, or ${crossBuild}.`,
  });
}
