import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { HawserError } from '../errors/hawser-error.ts';
import { findProgram } from '../runtime/find-program.ts';
import { exitCodeOfChild, runProgram } from '../runtime/run-program.ts';
import { hawserRoots, type Roots } from '../util/roots.ts';
import { type SubordinateRange, subordinateRange } from './subordinate-ids.ts';

/** What does without: nothing of an image is unpacked, run or removed. */
const outside = new Set(['help', 'version', 'login', 'logout', 'completion', 'registry', 'pod', 'lint']);
/** Containers outlive the command, and a namespace with it: bridges and limits are not to be had in one either. */
const ofRoot = new Set(['run', 'create', 'start', 'restart', 'exec']);

/**
 * 2 for unshare's own complaints, which go to the socket; then hawser waits for its ids, and begins anew as their root.
 * The kernel ends it with the process outside.
 */
const script = `exec 2>&4 4>&-; printf ready >&3; read -r go <&3 || exit 1; exec 3>&-; exec "$@"`;

interface IdMapping {
  readonly uids: SubordinateRange | undefined;
  readonly gids: SubordinateRange | undefined;
}

/**
 * Runs the command line again as root of a user namespace of its own: there a plain user may give files of an image their
 * owners, mount overlays and start steps. docs/decisions/0027-rootless.md
 *
 * @returns its exit code; undefined where the command is to run as it is
 * @throws HawserError NAMESPACE_REFUSED, UNSUPPORTED for containers, PERMISSION_DENIED
 */
export async function enterUserNamespace(argv: readonly string[]): Promise<number | undefined> {
  const words = argv.filter(word => !word.startsWith('-'));
  if (words[0] === undefined || outside.has(words[0]) || argv.includes('--help')) return undefined;
  const verb = words[0] === 'container' || words[0] === 'image' ? words[1] : words[0];
  if (words[0] !== 'image' && ofRoot.has(verb ?? '')) throw containersAreOfRoot(verb ?? '');
  const isNeeded = verb === 'build';
  const mapping = mappingOfUser();
  const child = await startInside(argv, mapping);
  if (typeof child === 'string') {
    if (isNeeded) throw refused(child);
    return undefined;
  }
  if (isNeeded && mapping.uids === undefined) process.stderr.write(`${singleIdNote()}\n`);
  return await endOf(child);
}

/** One without an entry in /etc/passwd, as containers often have, goes by its number. */
function user(): { readonly username: string; readonly uid: number; readonly gid: number } {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  try {
    return { username: userInfo().username, uid, gid };
  } catch {
    return { username: String(uid), uid, gid };
  }
}

/** Undefined ranges where one of both, or a program that maps them, is not there. */
function mappingOfUser(): IdMapping {
  const { username, uid } = user();
  const uids = subordinateRange('/etc/subuid', username, uid);
  const gids = subordinateRange('/etc/subgid', username, uid);
  const canMap = findProgram('newuidmap') !== undefined && findProgram('newgidmap') !== undefined;
  return canMap && uids !== undefined && gids !== undefined
    ? { uids, gids }
    : { uids: undefined, gids: undefined };
}

/** `ready`, or all that it says until its end: error messages come in pieces. */
async function firstWords(child: ChildProcess, socket: Socket): Promise<string> {
  let said = '';
  const isReady = new Promise<void>(resolve => {
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said === 'ready') resolve();
    });
  });
  await Promise.race([isReady, once(child, 'close')]);
  return said.trim();
}

/** The process once it is root inside, or why it is not. */
async function startInside(argv: readonly string[], mapping: IdMapping): Promise<ChildProcess | string> {
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    return 'the program unshare is not installed (apt-get install util-linux)';
  }
  const roots = hawserRoots(process.env);
  keepToUser(roots);
  const setpriv = findProgram('setpriv');
  const guard = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const again = [...guard, process.execPath, ...process.execArgv, process.argv[1] ?? '', ...argv];
  const inner = [unshare, '--user', '--mount', '/bin/sh', '-c', script, 'sh', ...again];
  const child = spawn('/bin/sh', ['-c', 'exec 4>&2 2>&3; exec "$@"', 'sh', ...inner], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, HAWSER_ROOT: roots.root, HAWSER_RUN: roots.run },
  });
  const socket = child.stdio[3] as Socket;
  const said = await firstWords(child, socket);
  if (said !== 'ready') return said === '' ? 'it ended at once' : said.replace(/^unshare: /, '');
  try {
    await mapIds(child.pid ?? 0, mapping);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  socket.end('go\n');
  return child;
}

/** /tmp is everybody's: a folder that somebody else has made there is not used. */
function keepToUser({ run }: Roots): void {
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const own = process.getuid?.();
  for (const folder of [run, dirname(run)]) {
    if (folder !== run && folder !== `/tmp/hawser-${own}`) continue;
    const { uid } = lstatSync(folder);
    if (uid === own) continue;
    throw new HawserError('PERMISSION_DENIED', `${folder} belongs to another user (${uid})`, {
      remedy: 'Set XDG_RUNTIME_DIR, or HAWSER_RUN, to a folder of your own.',
    });
  }
}

async function mapIds(pid: number, { uids, gids }: IdMapping): Promise<void> {
  const { uid, gid } = user();
  if (uids !== undefined && gids !== undefined) {
    await mapRange('newuidmap', pid, { own: uid, range: uids });
    await mapRange('newgidmap', pid, { own: gid, range: gids });
    return;
  }
  // Else a user could shed a group that a file's mode denies something.
  writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  writeFileSync(`/proc/${pid}/uid_map`, `0 ${uid} 1`);
  writeFileSync(`/proc/${pid}/gid_map`, `0 ${gid} 1`);
}

async function mapRange(
  program: string,
  pid: number,
  { own, range }: { readonly own: number; readonly range: SubordinateRange },
): Promise<void> {
  const words = [pid, 0, own, 1, 1, range.first, range.count].map(String);
  const { exitCode, stderr } = await runProgram(findProgram(program) ?? program, words);
  if (exitCode !== 0) throw refused(stderr.trim());
}

function containersAreOfRoot(verb: string): HawserError {
  return new HawserError('UNSUPPORTED', `${verb} needs root: a plain user builds, pulls and pushes images`, {
    remedy:
      'Run it as root, e.g. with sudo; the image gets there by hawser image save and load, or a registry.',
    exitCode: 125,
  });
}

function refused(reason: string): HawserError {
  return new HawserError('NAMESPACE_REFUSED', `this user gets no user namespace: ${reason}`, {
    remedy: 'Run as root (in a container: as its root), or allow user namespaces: docs/rootless.md.',
  });
}

function singleIdNote(): string {
  const { username } = user();
  return [
    `hawser: ${username} has no range in /etc/subuid and /etc/subgid, or newuidmap is missing: all files of images`,
    "  will be root's, and USER, --chown and package managers that change users fail. As root: apt-get install uidmap;",
    `  usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
  ].join('\n');
}

/** Hands on what ends it. A terminal gives Ctrl-C to both already. */
async function endOf(child: ChildProcess): Promise<number> {
  const hasTerminal = process.stdin.isTTY || process.stderr.isTTY;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (name === 'SIGTERM' || !hasTerminal) child.kill(name);
    });
  }
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return exitCodeOfChild(code, signal);
}
